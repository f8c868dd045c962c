// The wire's types and codecs. Everything below gen/ is generated from proto/ by `npm run generate`.
export * from './encode.ts';
export * from './gen/tollgate/v1/background.ts';
export * from './gen/tollgate/v1/cache.ts';
export * from './gen/tollgate/v1/common.ts';
export * from './gen/tollgate/v1/dispatch.ts';
export * from './gen/tollgate/v1/frame.ts';
export * from './gen/tollgate/v1/guard.ts';
export * from './gen/tollgate/v1/idempotency.ts';
export * from './gen/tollgate/v1/lease.ts';
export * from './gen/tollgate/v1/ledger.ts';
export * from './gen/tollgate/v1/limit_event.ts';
export * from './gen/tollgate/v1/request.ts';
export * from './gen/tollgate/v1/route.ts';
export * from './gen/tollgate/v1/usage.ts';
export * from './messages-surface.ts';
export * from './server-timing.ts';
