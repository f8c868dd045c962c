import type { Bus } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import type { BackgroundState, Dispatch, UsageEvent } from '@tollgate/contracts';
import type { Records, StateRecord } from '../../adapters/background/records.ts';
import { firstSequence } from '../../domain/background/response-object.ts';
import { isOver, whyNot } from '../../domain/background/state.ts';
import { addLostAttempt } from './lost.ts';

/** A run that nobody else can end: the state says whose it is, and at which message of its stream. */
export interface Claimed {
  requestId: string;
  record: StateRecord;
  dispatch: Dispatch;
  body: Buffer;
  row: UsageEvent;
  snapshot: ConfigSnapshot;
  /** The run before it died with its replica. */
  lostOne: boolean;
}

export type Claim =
  | ({ kind: 'claimed' } & Claimed)
  /** It must not be begun again. */
  | ({ kind: 'given_up'; code: 'gateway_interrupted' | 'upstream_timeout' } & Claimed)
  | { kind: 'over'; state: BackgroundState }
  /** Another replica runs it. */
  | { kind: 'elsewhere' }
  /** Nothing is kept of it. */
  | { kind: 'gone' };

export interface ClaimDependencies {
  records: Pick<Records, 'state' | 'replaceState' | 'job' | 'lastChunk'>;
  config: Pick<Bus['config'], 'at' | 'current'>;
  replica: string;
  /** Whether a replica says that it runs this one. */
  isRun(requestId: string): Promise<boolean>;
  deadlineMs: number;
  now(): number;
}

/** Makes a job this replica's own, by compare-and-set: of two that try, one goes on. @throws Error when JetStream is away */
export async function claim(dependencies: ClaimDependencies, requestId: string): Promise<Claim> {
  const { records, replica, isRun, deadlineMs, now } = dependencies;
  for (;;) {
    const record = await records.state(requestId);
    if (!record) return { kind: 'gone' };
    const { state, seq } = record;
    if (isOver(state)) return { kind: 'over', state };
    const begun = state.status === 'in_progress';
    if (begun && (await isRun(requestId))) return { kind: 'elsewhere' };
    const job = await records.job(requestId);
    if (!job || !state.row) return { kind: 'gone' };
    const snapshot = await snapshotOf(dependencies.config, job.dispatch.revision);
    const { row } = state;
    const last = state.runs > 0 ? await records.lastChunk(requestId) : undefined;
    if (begun) addLostAttempt(row, job.dispatch, last?.run === state.runs ? last : undefined, snapshot);
    const lost = state.lost + (begun ? 1 : 0);
    const code = whyNot({ ...state, lost }, deadlineMs, now());
    const next: BackgroundState = {
      ...state,
      status: 'in_progress',
      worker: replica,
      lost,
      runs: state.runs + (code === '' ? 1 : 0),
      sequence: last?.nextSequence ?? firstSequence,
      chunk: last ? last.number + 1 : state.chunk,
    };
    const written = await records.replaceState(requestId, next, seq);
    if (!written) continue;
    const claimed = { requestId, record: written, ...job, row, snapshot, lostOne: begun };
    return code === '' ? { kind: 'claimed', ...claimed } : { kind: 'given_up', code, ...claimed };
  }
}

/** The revision that admitted it, or the current one where that is too long ago. @throws TollgateError when there is none */
export async function snapshotOf(
  config: Pick<Bus['config'], 'at' | 'current'>,
  revision: number,
): Promise<ConfigSnapshot> {
  try {
    return await config.at(revision);
  } catch (error) {
    const current = config.current();
    if (!current) throw error;
    return current;
  }
}
