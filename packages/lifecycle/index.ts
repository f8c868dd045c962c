// A service's process from start to exit: health endpoints, signals, ordered and bounded stop.
export type { Check, Readiness } from './health.ts';
export { type ProcessScope, type ReadyMessage, runService, type ServiceOptions, type Started } from './run.ts';
export type { Scope } from './scope.ts';
export { type Member, together } from './together.ts';
