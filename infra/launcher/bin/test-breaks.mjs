#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('test/soak/breaks/main.ts', { dev: true });
