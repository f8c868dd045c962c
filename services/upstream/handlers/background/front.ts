import { RequestStatus } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import { errorEvent } from '../../domain/background/response-object.ts';
import { noTokens } from '../../domain/usage.ts';
import type { Conclude } from '../conclude.ts';
import type { Keep } from '../keep.ts';
import type { Run } from '../run.ts';
import { type BeginDependencies, begin } from './begin.ts';
import { type ById, eventHeaders } from './by-id.ts';
import { type FollowDependencies, follow } from './follow.ts';

export interface FrontDependencies {
  begin: BeginDependencies;
  follow: FollowDependencies;
  byId: ById;
  conclude: Conclude;
  keep: Pick<Keep, 'begun'>;
  logger: Logger;
}

/** The callers' side of the background: begins requests, and answers for those that were begun. */
export class BackgroundFront {
  readonly #dependencies: FrontDependencies;

  constructor(dependencies: FrontDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws TollgateError before anything was begun or answered */
  async serve(run: Run): Promise<void> {
    const { byId, conclude, begin: dependencies } = this.#dependencies;
    if (run.dispatch.stored) return byId.serve(run);
    // Its caller left before it was begun: it never will be.
    if (run.stopped !== '') return conclude.cancelled(run, undefined, noTokens);
    const queued = await begin(dependencies, run);
    if (run.dispatch.stream) return this.#stream(run);
    const headers = { 'content-type': 'application/json' };
    const content = Buffer.from(JSON.stringify(queued));
    const end = { status: RequestStatus.COMPLETED, error: undefined };
    const kept = run.recording && this.#dependencies.keep.begun(run, headers, content);
    run.answer.complete({ response: { httpStatus: 200, headers }, content, end });
    await kept;
  }

  /** It has begun and has its row to come: whatever fails from here on is about this reader alone. */
  async #stream(run: Run): Promise<void> {
    const { follow: dependencies, logger } = this.#dependencies;
    const { requestId, answer } = run;
    answer.response({ httpStatus: 200, headers: eventHeaders });
    try {
      const state = await dependencies.records.state(requestId);
      if (!state) throw new TollgateError('internal_error', { internal: 'what was just written is not there' });
      answer.write(await follow(dependencies, run, { requestId, state: state.state, startingAfter: undefined }));
    } catch (error) {
      logger.warn({ err: error, requestId }, 'a reader of the background was cut off');
      const { code, message } = toErrorDetail(error);
      answer.write(errorEvent(code, message, 0));
    }
    answer.end({ status: RequestStatus.COMPLETED, error: undefined });
  }
}
