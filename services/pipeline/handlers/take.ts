import { type AnswerSender, type Bus, subjects } from '@tollgate/bus';
import { findProxy, limitsNeedBound, type ProxySettings } from '@tollgate/config';
import { type ErrorDetail, encode, Release, Request, RequestStatus, Surface } from '@tollgate/contracts';
import { errorTable, isErrorCode, TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import { Accepting } from '../adapters/accepting.ts';
import type { Dispatcher } from '../adapters/dispatcher.ts';
import type { ReadBody } from '../adapters/parse-pool.ts';
import type { PiiAddress } from '../adapters/pii-request.ts';
import { Body } from '../domain/body/body.ts';
import { asForeground } from '../domain/body/foreground.ts';
import { emptyIndex } from '../domain/body/index-body.ts';
import { idempotencyClaim } from '../domain/idempotency.ts';
import { next, type Verdict } from '../domain/verdict.ts';
import { Finish } from './finish.ts';
import { Run } from './run.ts';
import { withoutCache } from './steps/look-up.ts';
import type { Tools } from './steps/tools.ts';
import { modelSteps, type Step, stepsOf, stepsOnce, storedSteps } from './steps.ts';
import { withinGrant } from './strict.ts';

export interface TakeDependencies {
  bus: Bus;
  tools: Tools;
  dispatcher: Dispatcher;
  logger: Logger;
  runsMax: number;
}

/** A question for models, or for a response by its id, has no body. */
const unread: ReadBody = { body: new Body(Buffer.alloc(0), emptyIndex), encodedPii: undefined };

/** Streams may run on long after their first content; only JSON answers and first contents keep the deadline. */
const streamMsMax = 60 * 60 * 1000;

/** Takes requests, owns them through the guards, and hands them to upstream or answers. */
export class Taker {
  readonly #dependencies: TakeDependencies;
  readonly #finish: Finish;
  readonly #accepting: Accepting;
  readonly #runs = new Map<string, Run>();
  readonly #steps = new WeakMap<object, Step[]>();
  #taken = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(dependencies: TakeDependencies) {
    this.#dependencies = dependencies;
    this.#finish = new Finish(dependencies.bus);
    this.#accepting = new Accepting(dependencies.bus);
  }

  /** Handler of tg.v1.request. */
  readonly take = (bytes: Uint8Array): void => {
    const { bus, runsMax } = this.#dependencies;
    const request = Request.decode(bytes);
    // ingress has given up on it.
    if (Date.now() > request.acceptByMs) return;
    const { requestId, ingressInbox } = request;
    if (this.#taken >= runsMax || bus.usage.full()) {
      const error = toErrorDetail(
        new TollgateError('overloaded', {
          retryAfterMs: 1000,
          internal: this.#taken >= runsMax ? 'too many runs' : 'usage is not acknowledged',
        }),
      );
      bus.mailbox.send(ingressInbox, { requestId, body: { $case: 'rejected', value: { error, dispatch: 0 } } });
      return;
    }
    this.#taken++;
    const parts =
      request.body.length < request.bodyBytes
        ? bus.bodies.receive(requestId, request.bodyBytes, ingressInbox)
        : undefined;
    if (parts !== undefined) this.#accepting.now(requestId, ingressInbox);
    else this.#accepting.add(requestId, ingressInbox);
    void this.#own(request, parts).finally(() => {
      this.#accepting.delete(requestId);
      this.#runs.delete(requestId);
      this.#taken--;
      if (this.#taken === 0) this.#idle?.resolve();
    });
  };

  /** Resolves when nothing is owned here any more. */
  async drained(): Promise<void> {
    if (this.#taken === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** Whether a request is owned here at this moment. */
  owns(requestId: string): boolean {
    return this.#runs.has(requestId);
  }

  /** Receipts of what is owned at this moment, for a store that lost its leases. */
  receipts() {
    // Who waits for another one's call has reserved nothing yet, and must not seem to have.
    return [...this.#runs.values()].flatMap(({ receipt, joining }) => (joining === '' && receipt ? receipt : []));
  }

  async #own(request: Request, parts: Promise<Uint8Array> | undefined): Promise<void> {
    const { bus, logger, tools } = this.#dependencies;
    const { requestId } = request;
    let run: Run | undefined;
    const answer = bus.owned.open({
      requestId,
      ingressInbox: request.ingressInbox,
      firstSequence: 0,
      onCancel: (reason) => {
        if (run) run.cancelled = reason;
        // On its way to upstream it is needed as long as the request is.
        if (!run?.holdsKey || run.stopped) bus.bodies.forget(requestId);
      },
    });
    try {
      const snapshot = bus.config.current();
      if (!snapshot)
        throw new TollgateError('overloaded', { retryAfterMs: 1000, message: 'The gateway has no configuration yet.' });
      const proxy = findProxy(snapshot, request.context);
      if (!proxy) throw new TollgateError('not_found');
      const bytes = parts === undefined ? request.body : await parts;
      const pii = piiAddress(requestId, snapshot.revision, proxy);
      const parsed =
        request.surface === Surface.MODELS || request.surface === Surface.STORED_RESPONSES
          ? unread
          : tools.parser.read(
              Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
              request.surface,
              pii,
              limitsNeedBound(snapshot),
            );
      // Awaiting what is there already would cost small requests a turn.
      const { body, encodedPii } = parsed instanceof Promise ? await parsed : parsed;
      run = new Run(request, snapshot, proxy, body, answer);
      run.encodedPii = encodedPii;
      if (request.idempotencyKey !== undefined) await this.#claim(run, request.idempotencyKey);
      if (body.index.background) await beginInBackground(run, tools);
      this.#runs.set(requestId, run);
      await this.#proceed(run);
    } catch (error) {
      const detail = toErrorDetail(error);
      if (detail.code === 'internal_error') logger.error({ err: error, requestId }, 'request failed in the pipeline');
      if (run) this.#finish.refused(run, detail);
      else refuseUnread(answer, request, detail);
    }
    // Until then it counts as owned.
    await run?.told;
  }

  async #claim(run: Run, callersKey: string): Promise<void> {
    run.claim = await idempotencyClaim(run.request, callersKey, run.proxy.id, run.body.bytes);
  }

  async #proceed(run: Run): Promise<void> {
    for (const step of this.#stepsOf(run)) {
      const startedAt = performance.now();
      const verdict = await this.#attempt(step, run);
      run.stageUs[step.stage] = Math.round((performance.now() - startedAt) * 1000);
      if (run.stopped) return this.#finish.cancelled(run);
      if (verdict.kind === 'refuse') return this.#finish.refused(run, verdict.error);
      if (verdict.kind === 'hit') return this.#finish.hit(run, verdict.hit);
      if (verdict.kind === 'answer') return this.#finish.answered(run, verdict.body);
      if (verdict.kind === 'replay') return this.#finish.replayed(run, verdict.answer);
    }
    await this.#handOver(run);
  }

  /** A guard that could not decide: `onError` of the guardrail says what that means. */
  async #attempt(step: Step, run: Run): Promise<Verdict> {
    try {
      const verdict = await step.run(run, this.#dependencies.tools, step.guardrail);
      return verdict.kind === 'refuse' && passes(step, run, verdict.error.code) ? passOver(step, run) : verdict;
    } catch (error) {
      const detail = toErrorDetail(error);
      if (step.stage === 'auth' || step.stage === 'join') this.#release(run);
      if (passes(step, run, detail.code)) return passOver(step, run);
      throw error;
    }
  }

  /** Gave up while reserving: whatever was reserved under this id is freed, with its row. */
  #release(run: Run): void {
    const { requestId } = run.request;
    const release = encode(Release, { requestId, organizationId: run.snapshot.organization.id });
    this.#dependencies.bus.publish(subjects.release, release);
  }

  async #handOver(run: Run): Promise<void> {
    const { bus, dispatcher } = this.#dependencies;
    const { request, row, answer } = run;
    if (!row) throw new TollgateError('internal_error', { internal: 'dispatch without a receipt' });
    const { includeUsage, background } = run.body.index;
    const stream = run.body.index.stream || (request.stored?.stream ?? false);
    const bounded = withinGrant(run);
    const asked = background ? asForeground(bounded) : bounded;
    const body = stream && request.surface === Surface.CHAT_COMPLETIONS ? asked.withUsageInStream() : asked;
    const model = body.modelSpan();
    row.stageUs = run.stageUs;
    // Before the owner is known: frame 1 comes from it, and a beat names it while there is none.
    this.#accepting.delete(request.requestId);
    run.sendHead();
    const result = await dispatcher.dispatch(
      {
        requestId: request.requestId,
        deadlineAtMs: stream ? Math.max(request.deadlineAtMs, request.startedAtMs + streamMsMax) : request.deadlineAtMs,
        pipelineInbox: bus.inbox,
        ingressInbox: request.ingressInbox,
        revision: run.snapshot.revision,
        surface: request.surface,
        stream,
        includeUsage,
        targets: run.targets,
        attemptsMax: run.attemptsMax,
        headers: request.headers,
        modelOffset: model.start,
        modelLength: model.end - model.start,
        usage: row,
        cacheFill: run.cacheFill,
        hops: 0,
        proxyId: run.proxy.id,
        firstContentByMs: request.deadlineAtMs,
        stored: request.stored,
        knownResponse: run.knownResponse,
        ...(run.claim && { idempotencyKey: run.claim.key }),
        background: run.background,
      },
      body.bytes,
    );
    if (!result.accepted) {
      this.#finish.refused(run, result.error);
    } else if (run.cancelled !== '') {
      // The caller left while nobody owned it: the new owner must know.
      const cancel = { reason: run.cancelled };
      bus.mailbox.send(result.owner, { requestId: request.requestId, body: { $case: 'cancel', value: cancel } });
    } else {
      answer.handOver(result.owner);
    }
  }

  #stepsOf({ proxy, request, claim }: Run): readonly Step[] {
    if (request.surface === Surface.MODELS) return modelSteps;
    if (request.surface === Surface.STORED_RESPONSES) return storedSteps;
    const steps = this.#stepsOfProxy(proxy);
    return claim ? stepsOnce(steps) : steps;
  }

  #stepsOfProxy(proxy: ProxySettings): readonly Step[] {
    let steps = this.#steps.get(proxy);
    if (!steps) {
      steps = stepsOf(proxy.guardrails);
      this.#steps.set(proxy, steps);
    }
    return steps;
  }
}

/** A retry would read the events of a run that may take an hour only when it is over. */
const onceAndStreamed = new TollgateError('invalid_request', {
  message:
    'A request in the background cannot have an idempotency-key and "stream". Leave "stream" out, and stream the response by its id.',
  param: 'idempotency-key',
});

/** Before anything is reserved: a full queue takes nothing. @throws TollgateError `overloaded`, `invalid_request` */
async function beginInBackground(run: Run, { background }: Tools): Promise<void> {
  if (run.claim && run.body.index.stream) throw onceAndStreamed;
  await background.expectRoom();
  run.background = { requestId: '' };
}

/** A body that was lost in the thread where it was to be masked cannot go on, whatever the guardrail says. */
function passes({ onError }: Step, { body }: Run, code: string): boolean {
  return onError === 'pass' && isOutage(code) && body.bytes.length > 0;
}

/** The guard or its store was not there, as opposed to having decided. */
function isOutage(code: string): boolean {
  return isErrorCode(code) && errorTable[code].status >= 500;
}

function passOver(step: Step, run: Run): Verdict {
  if (run.row) run.row.guardrailHits[`${step.stage}_unavailable`] = 1;
  if (step.stage !== 'cache') return next;
  run.headers['x-cache-status'] = 'BYPASS; reason=unavailable';
  if (run.row) run.row.cacheStatus = 'BYPASS';
  return withoutCache(run);
}

/** Refused before anything was known of its key: no receipt, no row. */
function refuseUnread(answer: AnswerSender, request: Request, error: ErrorDetail): void {
  const httpStatus = isErrorCode(error.code) ? errorTable[error.code].status : 500;
  answer.complete({
    head: { headers: {}, restore: {}, owner: '', stream: false, surface: request.surface },
    response: { httpStatus, headers: {} },
    content: new Uint8Array(0),
    end: { status: RequestStatus.REFUSED, error },
  });
}

/** Where the texts of this proxy's bodies go to be masked; undefined when nobody masks them. */
function piiAddress(requestId: string, revision: number, proxy: ProxySettings): PiiAddress | undefined {
  const guardrail = proxy.guardrails.findIndex(({ kind }) => kind === 'piiMasking');
  return guardrail < 0 ? undefined : { requestId, revision, proxy: proxy.id, guardrail };
}
