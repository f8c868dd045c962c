import type { Environment } from '@tollgate/config';
import type { Logger, Metrics } from '@tollgate/telemetry';
import type { Health } from './health.ts';

/** What a service gets to register its parts with. */
export interface Scope {
  readonly name: string;
  /** Unique among everything on one bus. */
  readonly replica: string;
  /** The service's variables: the process's, unless several services run in it. */
  readonly environment: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Pick<Health, 'check'>;
  /** Aborted when the stop begins. */
  readonly stopping: AbortSignal;
  /**
   * To be called where something is opened. Closes run one after the other, the last opened first, after all drains;
   * what is opened during the stop too.
   */
  defer(name: string, close: () => unknown): void;
  /** Refuse what is new, finish what runs. All drains start together, when the stop begins. */
  drain(name: string, drain: () => unknown): void;
  /** The one `T` of this process: where services that run in it together find each other. */
  shared<T>(type: new () => T): T;
  /** A part failed for good: logged, everything closed, exit code 1. */
  fail(error: unknown): void;
}
