#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('infra/bench/ledger.ts', { dev: true });
