export type { Answer, EncodedReply } from './client/entry.ts';
export { guardPool } from './client/pool.ts';
export type { EncodedCall, GuardCall, GuardPool, GuardPoolOptions } from './client/types.ts';
export { NearGuards } from './near/near-guards.ts';
export type { EncodedHandler } from './server/bulk.ts';
export type { GuardHandler, GuardResult } from './server/runner.ts';
export { type GuardScope, type ServeGuardOptions, serveGuard } from './server/serve.ts';
export type { GuardBus } from './wire/subjects.ts';
