#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs';

await bootstrap('infra/launcher/main.ts');
