#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

// The ledger's engine away for an hour at 500 requests a second, which `npm run test:faults` has with 5,000 events.
process.env.TOLLGATE_TEST_OUTAGE_EVENTS ??= '1800000';
await bootstrap('services/analytics/outage.long.test.ts', { dev: true });
