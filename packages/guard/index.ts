export type { Answer, EncodedReply } from './client/entry.ts';
export { type EncodedCall, type GuardCall, GuardPool, type GuardPoolOptions, guardPool } from './client/pool.ts';
export type { EncodedHandler } from './server/bulk.ts';
export type { GuardHandler, GuardResult } from './server/runner.ts';
export { type GuardScope, type ServeGuardOptions, serveGuard } from './server/serve.ts';
export type { GuardBus } from './wire/subjects.ts';
