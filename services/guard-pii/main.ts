import { runService } from '@tollgate/lifecycle';
import { start } from './service.ts';

await runService({ name: 'guard-pii', main: start });
