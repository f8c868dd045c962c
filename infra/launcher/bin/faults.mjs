#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

// The failure tests of `npm test`, at length.
process.env.TOLLGATE_TEST_KILLS ??= '100';
await bootstrap('test/faults.ts', { dev: true });
