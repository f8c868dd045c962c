import type { IncomingHttpHeaders } from 'node:http';
import type { Bus } from '@tollgate/bus';
import { type Cost, providerByName } from '@tollgate/config';
import { Surface, type Target } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import type { ExtensionAnswer, Extensions } from '../adapters/extensions.ts';
import type { HandOn } from '../adapters/hand-on.ts';
import type { UnpricedUsage } from '../adapters/unpriced.ts';
import { isBilled, mayBeBilled } from '../domain/billed.ts';
import { type Fault, faultCode, faultStatus } from '../domain/fault.ts';
import { describe, giveUp, timeoutError } from '../domain/give-up.ts';
import { extensionBeside, extensionFor, isStrict } from '../domain/strict.ts';
import { attemptByMs } from '../domain/time-limits.ts';
import { type MeasuredUsage, noTokens } from '../domain/usage.ts';
import { judge, judgeCount, judgeStored, type Verdict } from '../domain/verdict.ts';
import { account, atBound, type Call, type Charged, estimated, measured, nothing, usageSeen } from './account.ts';
import type { AttemptEnd } from './attempt.ts';
import type { Conclude, Served } from './conclude.ts';
import { HedgedCalls } from './hedged-calls.ts';
import type { Hedge, Hedging } from './hedging.ts';
import type { Keep } from './keep.ts';
import { renamedAnswer } from './names-for.ts';
import { type CallDependencies, makeCall, openCall } from './open-call.ts';
import { type Outbound, outboundTo } from './outbound.ts';
import { report, reportStart } from './report.ts';
import type { Run } from './run.ts';

export interface ServeDependencies extends CallDependencies {
  bus: Bus;
  handOn: HandOn;
  extensions: Extensions;
  hedging: Hedging;
  conclude: Conclude;
  keep: Keep;
  unpriced: UnpricedUsage;
  logger: Logger;
  /** Whether this replica calls the provider itself. */
  serves(provider: string): boolean;
  /** From the request's arrival to its first content, all attempts together. */
  firstContentMsMax: number;
}

/** A target that can be asked, and the one that may be asked beside it. */
interface Hedgeable {
  target: Target;
  outbound: Outbound;
  next: Target;
  hedge: Hedge;
}

/** Tries the targets of a request in turn until one answers: always before the first content, never after it. */
export class Serve {
  readonly #dependencies: ServeDependencies;

  constructor(dependencies: ServeDependencies) {
    this.#dependencies = dependencies;
  }

  async serve(run: Run): Promise<void> {
    const { bus, endpoints, serves, handOn, hedging, firstContentMsMax } = this.#dependencies;
    const { targets, deadlineAtMs, firstContentByMs } = run.dispatch;
    const attemptsMax = Math.max(1, run.dispatch.attemptsMax);
    const waitedFor = Math.min(firstContentByMs || deadlineAtMs, run.startedAtMs + firstContentMsMax);
    // In the background nobody waits for the first content.
    const lastMs = run.background ? deadlineAtMs : waitedFor;
    const hedge = hedging.hedgeOf(run);
    let tried = 0;
    for (let position = 0; position < targets.length; position++) {
      const target = targets[position] as Target;
      if (tried >= attemptsMax || run.stopped !== '') break;
      if (!serves(target.provider)) {
        // A run in the background stays where its end will be written.
        if (run.background) continue;
        if (await handOn.pass(run, { targets: targets.slice(position), attemptsMax: attemptsMax - tried })) return;
        continue;
      }
      const outbound = outboundTo(run, target, endpoints);
      if ('kind' in outbound && outbound.kind === 'unserved') {
        // No attempt: whoever chose it hears that nothing came of it, and the next one has its turn.
        const verdict = judge(outbound, false);
        run.failures.push({ fault: outbound, blame: verdict.blame });
        report(bus, run, target, verdict.report);
        continue;
      }
      const times = extensionFor(run.row);
      if (times > 0 && (await this.#extend(run, times, false)) !== 'granted') break;
      const nowMs = Date.now();
      if (nowMs >= lastMs) {
        run.failures.push({ fault: { kind: 'timeout', stage: 'connecting' }, blame: 'timeout' });
        break;
      }
      tried++;
      // The first of the router's list was counted when it was chosen.
      if (position > 0 || run.dispatch.hops > 0) reportStart(bus, run, target);
      const left = Math.min(attemptsMax - tried, targets.length - position - 1);
      const next = targets[position + 1];
      const untilMs = attemptByMs(nowMs, lastMs, left);
      if (hedge && next && left > 0 && !('kind' in outbound) && serves(next.provider)) {
        const { over, calls } = await this.#tryHedged(run, { target, outbound, next, hedge }, untilMs);
        if (over) return;
        tried += calls - 1;
        position += calls - 1;
        continue;
      }
      if (await this.#try(run, target, outbound, untilMs)) return;
      // It used nothing, so it takes no attempt away.
      if (!(await this.#hasNewKey(run, target))) continue;
      if (await this.#try(run, target, outbound, attemptByMs(Date.now(), lastMs, left))) return;
    }
    this.#giveUp(run);
  }

  /** The last attempt was refused with a key that is not the newest: one was changed there and here at the same time. */
  async #hasNewKey({ failures, snapshot, keyVersion, stopped }: Run, target: Target): Promise<boolean> {
    const fault = failures.at(-1)?.fault;
    if (fault?.kind !== 'status' || fault.status !== 401 || stopped !== '') return false;
    const provider = providerByName(snapshot, target.provider);
    return provider !== undefined && (await this.#dependencies.endpoints.renewKey(provider, keyVersion));
  }

  /** Whether there is room for another attempt beside those that were charged, or beside the one that runs. */
  async #extend({ row: { receipt } }: Run, times: number, hedge: boolean): Promise<ExtensionAnswer> {
    return receipt === undefined ? 'refused' : this.#dependencies.extensions.extend(receipt, times, hedge);
  }

  /** @returns whether the request is over */
  async #try(run: Run, target: Target, outbound: Outbound | Fault, firstContentByMs: number): Promise<boolean> {
    const fault = 'kind' in outbound;
    const call = openCall(run, target, fault ? undefined : outbound.translation, firstContentByMs, this.#dependencies);
    if (fault) return this.#ended(run, call, { kind: 'fault', fault: outbound });
    return this.#ended(run, call, await makeCall(run, call, outbound, this.#dependencies.endpoints));
  }

  /**
   * As #try, with the next target beside the first when that is silent for too long.
   * @returns `calls`: how many of both were called
   */
  async #tryHedged(
    run: Run,
    { target: first, outbound, next: second, hedge }: Hedgeable,
    firstContentByMs: number,
  ): Promise<{ over: boolean; calls: number }> {
    const { bus, endpoints, hedging, sweep } = this.#dependencies;
    let beside: Outbound | undefined;
    const open = (target: Target, { translation }: Outbound, onContent: (call: Call) => void) =>
      openCall(run, target, translation, firstContentByMs, this.#dependencies, onContent);
    const calls = new HedgedCalls({
      silentUntilMs: Date.now() + hedge.afterMs,
      sweep,
      open: (which, onContent) => {
        if (which === 'first' || !beside) return open(first, outbound, onContent);
        hedging.sent();
        run.silent = run.attempt;
        reportStart(bus, run, second);
        return open(second, beside, onContent);
      },
      make: (call) => makeCall(run, call, call.target === second && beside ? beside : outbound, endpoints),
      allowed: async () => {
        const found = run.stopped === '' && outboundTo(run, second, endpoints);
        // What cannot be asked for it has its turn when the first one failed.
        if (!found || 'kind' in found) return false;
        beside = found;
        return hedging.allows(run, hedge, () => this.#extend(run, extensionBeside(run.row), true));
      },
      mayGoOn: ({ call, end }) => end.kind === 'fault' && judge(end.fault, call.attempt.contentSent).action === 'next',
      failed: ({ call, end }) => {
        run.leave(call.attempt, call.target === first ? second : first);
        if (end.kind === 'fault') this.#failed(run, call, end.fault, end.usage);
      },
      lost: ({ call, end }) => {
        run.leave(call.attempt, call.target === first ? second : first);
        this.#lost(run, call, end);
      },
    });
    const { call, end } = await calls.run();
    return { over: await this.#ended(run, call, end), calls: calls.made };
  }

  /** @returns whether the request is over */
  async #ended(run: Run, call: Call, end: AttemptEnd): Promise<boolean> {
    const { conclude } = this.#dependencies;
    run.attempt = undefined;
    run.silent = undefined;
    switch (end.kind) {
      case 'json': {
        const { usage, beside, textBytes, cacheable, items, headers, body } = end;
        const served = this.#served(run, call, usage ? measured(usage) : estimated(run, textBytes, beside));
        const answer = renamedAnswer(run.dispatch.surface, call.names, body, items);
        const kept = run.recording && this.#keepWhole(run, served, headers, answer);
        await conclude.json(run, { ...served, canonical: cacheable ? body : undefined }, headers, answer);
        await kept;
        return true;
      }
      case 'stream': {
        const served = this.#served(run, call, usageSeen(run, call));
        const canonical = run.dispatch.cacheFill && !end.failed ? call.reader?.canonical() : undefined;
        run.recording?.push(end.tail);
        const kept =
          run.recording && !end.failed ? this.#dependencies.keep.answered(run, call.target, served.tokens) : undefined;
        conclude.stream(run, { ...served, canonical }, end.tail, end.failed);
        await kept;
        return true;
      }
      case 'stopped':
        this.#stopped(run, call);
        return true;
      case 'fault':
        return this.#failed(run, call, end.fault, end.usage);
    }
  }

  #keepWhole(run: Run, { target, tokens }: Omit<Served, 'canonical'>, headers: IncomingHttpHeaders, body: Buffer) {
    const { recording } = run;
    if (recording) recording.headers = headers;
    recording?.push(body);
    return this.#dependencies.keep.answered(run, target, tokens);
  }

  #served(run: Run, call: Call, charged: Charged): Omit<Served, 'canonical'> {
    const { bus, metrics } = this.#dependencies;
    const { target } = call;
    const { nanoUsd } = this.#account(run, call, 200, '', charged);
    metrics.attempt(target, 'ok');
    // How long counting takes says nothing of how long an answer would.
    const counts = run.dispatch.surface === Surface.COUNT_TOKENS;
    report(bus, run, target, 'ok', { firstContentMs: counts ? 0 : firstContentMs(call) });
    return { target, tokens: charged.tokens, costNanoUsd: nanoUsd };
  }

  /** @returns whether the request is over */
  #failed(run: Run, call: Call, fault: Fault, usage?: MeasuredUsage): boolean {
    const { bus, conclude, metrics } = this.#dependencies;
    const { target, attempt } = call;
    const verdict = verdictOf(run, fault, attempt.contentSent);
    const seen = usage ? measured(usage) : this.#billed(run, call, fault);
    this.#account(run, call, faultStatus(fault) || (attempt.answering ? 200 : 0), faultCode(fault), seen);
    metrics.attempt(target, verdict.blame);
    report(bus, run, target, verdict.report, {
      retryAfterMs: fault.kind === 'status' ? fault.retryAfterMs : 0,
      // How long it was waited for is the least that it would have taken.
      firstContentMs: verdict.blame === 'timeout' ? firstContentMs(call) : 0,
    });
    this.#log(run, target, fault);
    if (verdict.action === 'pass' && fault.kind === 'status') {
      conclude.refused(run, target, fault, call.names);
      return true;
    }
    if (verdict.action !== 'end') {
      run.failures.push({ fault, blame: verdict.blame });
      return false;
    }
    const served = isStrict(run.row.receipt) ? usageSeen(run, call).tokens : seen.tokens;
    if (run.stopped !== '' && run.answer.cancelled) conclude.cancelled(run, target, served);
    else conclude.truncated(run, target, served, brokenOff(fault, Date.now() - run.startedAtMs));
    return true;
  }

  /** The other call had content first: this one was cut off, and is charged for as one that a caller left. */
  #lost(run: Run, call: Call, end: AttemptEnd): void {
    const { bus, metrics } = this.#dependencies;
    const { target, attempt } = call;
    const usage = 'usage' in end ? end.usage : undefined;
    const seen = usage ? measured(usage) : this.#seenOf(run, call);
    this.#account(run, call, attempt.answering ? 200 : 0, 'hedged', seen);
    metrics.attempt(target, 'cancelled');
    report(bus, run, target, 'none', { firstContentMs: firstContentMs(call) });
  }

  /** Under a strict limit all that it may still have used, as the provider may not notice that it was cut off. */
  #seenOf(run: Run, call: Call): Charged {
    const { receipt } = run.row;
    if (!call.attempt.sent) return nothing;
    return isStrict(receipt) ? atBound(receipt, call) : usageSeen(run, call);
  }

  /** We ended the call: the caller left, somebody else owns the request, or this replica stops. */
  #stopped(run: Run, call: Call): void {
    const { bus, conclude, metrics } = this.#dependencies;
    const { target, attempt } = call;
    const seen = attempt.sent ? usageSeen(run, call) : nothing;
    this.#account(run, call, attempt.answering ? 200 : 0, 'cancelled', seen);
    metrics.attempt(target, 'cancelled');
    const outcome = attempt.contentSent ? 'ok' : 'suspect';
    // A caller that leaves says nothing of the target, but of a probe something must be said.
    report(bus, run, target, target.probe ? outcome : 'none');
    if (run.stopped !== 'shutdown') conclude.cancelled(run, attempt.contentSent ? target : undefined, seen.tokens);
    else if (attempt.contentSent) conclude.truncated(run, target, seen.tokens, interrupted());
    else conclude.failed(run, interrupted());
  }

  #account(run: Run, call: Call, httpStatus: number, code: string, charged: Charged): Cost {
    const cost = account(run, call, { httpStatus, code, ...charged });
    if (cost.unpriced.length > 0) this.#dependencies.unpriced.tell(run.snapshot.revision, call.target, cost.unpriced);
    return cost;
  }

  /** What a failed call cost, as far as it can be known. */
  #billed(run: Run, call: Call, fault: Fault): Charged {
    if (call.reader?.usage) return measured(call.reader.usage);
    const provider = providerByName(run.snapshot, call.target.provider);
    const wire = provider && this.#dependencies.endpoints.of(provider).wire;
    const billsRefusal = (status: number, code: string) => wire?.billsRefusal(status, code) ?? false;
    const { receipt } = run.row;
    if (isStrict(receipt)) return mayBeBilled(fault, call.attempt, billsRefusal) ? atBound(receipt, call) : nothing;
    return isBilled(fault, call.attempt, billsRefusal) ? usageSeen(run, call) : nothing;
  }

  /** Nobody answered, or nobody waits for it any more. */
  #giveUp(run: Run): void {
    const { conclude, logger } = this.#dependencies;
    if (run.stopped !== '' && run.stopped !== 'shutdown') {
      conclude.cancelled(run, undefined, noTokens);
      return;
    }
    const error = run.stopped === '' ? giveUp(run.failures, Date.now() - run.startedAtMs) : interrupted();
    // What no target can be asked for is the caller's to mend.
    const level = error.code === 'invalid_request' ? 'debug' : 'warn';
    logger[level]({ requestId: run.requestId, code: error.code, why: error.internal }, 'no target answered');
    conclude.failed(run, error);
  }

  #log({ requestId }: Run, { provider, deployment }: Target, fault: Fault): void {
    const level = fault.kind === 'misconfigured' ? 'error' : 'debug';
    this.#dependencies.logger[level]({ requestId, provider, deployment, fault: describe(fault) }, 'attempt failed');
  }
}

function verdictOf({ dispatch }: Run, fault: Fault, contentSent: boolean): Verdict {
  if (dispatch.stored) return judgeStored(fault);
  return dispatch.surface === Surface.COUNT_TOKENS ? judgeCount(fault) : judge(fault, contentSent);
}

/** Of a JSON answer all of it is its first content. */
function firstContentMs({ attempt, firstContentAt }: Call): number {
  return firstContentAt > 0 ? firstContentAt - attempt.startedAt : attempt.latencyUs / 1000;
}

function brokenOff(fault: Fault, elapsedMs: number): TollgateError {
  if (fault.kind === 'timeout') return timeoutError(fault.stage, elapsedMs);
  const message = 'The provider broke off in the middle of its answer.';
  return new TollgateError('upstream_error', { message, internal: describe(fault) });
}

function interrupted(): TollgateError {
  return new TollgateError('gateway_interrupted', { internal: 'this replica stopped' });
}
