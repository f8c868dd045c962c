// A service's process from start to exit: health endpoints, signals, ordered and bounded stop.
export type { Check, Readiness } from './health.ts';
export { type ReadyMessage, runService, type ServiceOptions } from './run.ts';
export type { Scope } from './scope.ts';
