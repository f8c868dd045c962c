#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('test/containers/run.ts', { dev: true });
