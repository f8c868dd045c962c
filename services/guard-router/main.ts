import { runService } from '@tollgate/lifecycle';
import { start } from './service.ts';

await runService({ name: 'guard-router', main: start });
