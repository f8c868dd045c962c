#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('infra/checks/run.ts', { dev: true });
