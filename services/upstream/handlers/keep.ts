import { type Bus, packAnswer, tellIdempotencyEnd } from '@tollgate/bus';
import type { Target, TokenCounts } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { incomingHeaders } from '../domain/headers.ts';
import { noTokens } from '../domain/usage.ts';
import type { Run } from './run.ts';

const noAnswer = new Uint8Array(0);

interface Answered {
  headers: Record<string, string>;
  /** Undefined: it is larger than may be kept. */
  content: Uint8Array | undefined;
  served: TokenCounts;
}

/** Tells guard-auth what became of requests that hold an idempotency key, so that their retries make no second call. */
export class Keep {
  readonly #bus: Bus;
  readonly #logger: Logger;

  constructor(bus: Bus, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  /** A whole answer. What is small is on its way when this returns, before the answer's end. */
  answered(run: Run, target: Target, served: TokenCounts): Promise<void> {
    const { recording } = run;
    if (!recording) return Promise.resolve();
    const headers = { ...incomingHeaders(recording.headers), 'x-tollgate-model': target.model };
    return this.#answered(run, target, { headers, content: recording.content(), served });
  }

  /** What its caller is told when it has begun in the background: a retry reads the same, and asks for it by the same id. */
  begun(run: Run, headers: Record<string, string>, content: Uint8Array): Promise<void> {
    const [target] = run.dispatch.targets;
    if (!run.recording || !target) return Promise.resolve();
    return this.#answered(run, target, { headers, content, served: noTokens });
  }

  #answered(run: Run, { provider, model, baseModel }: Target, { headers, content, served }: Answered): Promise<void> {
    const { recording, requestId } = run;
    if (recording) recording.told = true;
    const packed = content && packAnswer({ requestId, headers, content, provider, model, baseModel, served });
    const tell = (answer: Uint8Array | undefined) => this.#tell(run, answer ?? noAnswer, answer === undefined);
    return packed instanceof Promise ? packed.then(tell) : tell(packed);
  }

  /** Whatever ended it otherwise is nothing to give back: a retry makes the call anew. */
  async ended(run: Run): Promise<void> {
    const { recording, row, stopped } = run;
    // Without an end, or superseded, it may be somebody else's by now; if it is nobody's, a retry finds that out.
    if (!recording || recording.told || row.finishedAtMs === 0 || stopped === 'superseded') return;
    recording.told = true;
    await this.#tell(run, noAnswer, false);
  }

  async #tell({ dispatch, row, requestId }: Run, answer: Uint8Array, unkept: boolean): Promise<void> {
    const { organizationId = '', teamId = '' } = row.receipt ?? {};
    const key = dispatch.idempotencyKey ?? noAnswer;
    const end = { requestId, organizationId, teamId, key, answer, unkept };
    if (!(await tellIdempotencyEnd(this.#bus, end))) {
      this.#logger.warn({ requestId }, 'nobody heard what became of an idempotency key; a retry makes its call anew');
    }
  }
}
