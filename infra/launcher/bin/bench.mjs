#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('infra/bench/main.ts', { dev: true });
