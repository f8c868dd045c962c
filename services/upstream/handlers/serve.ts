import type { Bus } from '@tollgate/bus';
import { type Cost, providerByName } from '@tollgate/config';
import { Surface, type Target } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import type { Extensions } from '../adapters/extensions.ts';
import type { HandOn } from '../adapters/hand-on.ts';
import type { UnpricedUsage } from '../adapters/unpriced.ts';
import { isBilled, mayBeBilled } from '../domain/billed.ts';
import { type Fault, faultCode, faultStatus } from '../domain/fault.ts';
import { describe, giveUp, timeoutError } from '../domain/give-up.ts';
import { extensionFor, isStrict } from '../domain/strict.ts';
import { attemptByMs } from '../domain/time-limits.ts';
import { type MeasuredUsage, noTokens } from '../domain/usage.ts';
import { judge, judgeCount, judgeStored, type Verdict } from '../domain/verdict.ts';
import { account, atBound, type Call, type Charged, estimated, measured, nothing, usageSeen } from './account.ts';
import type { AttemptEnd } from './attempt.ts';
import type { Conclude, Served } from './conclude.ts';
import { renamedAnswer } from './names-for.ts';
import { type CallDependencies, makeCall, openCall } from './open-call.ts';
import { type Outbound, outboundTo } from './outbound.ts';
import { report, reportStart } from './report.ts';
import type { Run } from './run.ts';

export interface ServeDependencies extends CallDependencies {
  bus: Bus;
  handOn: HandOn;
  extensions: Extensions;
  conclude: Conclude;
  unpriced: UnpricedUsage;
  logger: Logger;
  /** Whether this replica calls the provider itself. */
  serves(provider: string): boolean;
  /** From the request's arrival to its first content, all attempts together. */
  firstContentMsMax: number;
}

/** Tries the targets of a request in turn until one answers: always before the first content, never after it. */
export class Serve {
  readonly #dependencies: ServeDependencies;

  constructor(dependencies: ServeDependencies) {
    this.#dependencies = dependencies;
  }

  async serve(run: Run): Promise<void> {
    const { bus, endpoints, serves, handOn, firstContentMsMax } = this.#dependencies;
    const { targets, deadlineAtMs, firstContentByMs } = run.dispatch;
    const attemptsMax = Math.max(1, run.dispatch.attemptsMax);
    const lastMs = Math.min(firstContentByMs || deadlineAtMs, run.startedAtMs + firstContentMsMax);
    let tried = 0;
    for (const [position, target] of targets.entries()) {
      if (tried >= attemptsMax || run.stopped !== '') break;
      if (!serves(target.provider)) {
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
      if (times > 0 && !(await this.#extend(run, times))) break;
      const nowMs = Date.now();
      if (nowMs >= lastMs) {
        run.failures.push({ fault: { kind: 'timeout', stage: 'connecting' }, blame: 'timeout' });
        break;
      }
      tried++;
      // The first of the router's list was counted when it was chosen.
      if (position > 0 || run.dispatch.hops > 0) reportStart(bus, run, target);
      const left = Math.min(attemptsMax - tried, targets.length - position - 1);
      if (await this.#try(run, target, outbound, attemptByMs(nowMs, lastMs, left))) return;
    }
    this.#giveUp(run);
  }

  /** Under a strict limit: whether there is room for another attempt beside those that were charged. */
  async #extend({ row: { receipt } }: Run, times: number): Promise<boolean> {
    if (receipt === undefined || !(await this.#dependencies.extensions.granted(receipt, times))) return false;
    receipt.extensions = times - 1;
    return true;
  }

  /** @returns whether the request is over */
  async #try(run: Run, target: Target, outbound: Outbound | Fault, firstContentByMs: number): Promise<boolean> {
    const { conclude, endpoints } = this.#dependencies;
    const fault = 'kind' in outbound;
    const call = openCall(run, target, fault ? undefined : outbound.translation, firstContentByMs, this.#dependencies);
    const end: AttemptEnd = fault ? { kind: 'fault', fault: outbound } : await makeCall(run, call, outbound, endpoints);
    run.attempt = undefined;
    switch (end.kind) {
      case 'json': {
        const { usage, beside, textBytes, cacheable, headers, body } = end;
        const served = this.#served(run, call, usage ? measured(usage) : estimated(run, textBytes, beside));
        const answer = renamedAnswer(run.dispatch.surface, call.names, body);
        await conclude.json(run, { ...served, canonical: cacheable ? body : undefined }, headers, answer);
        return true;
      }
      case 'stream': {
        const served = this.#served(run, call, usageSeen(run, call));
        const canonical = run.dispatch.cacheFill && !end.failed ? call.reader?.canonical() : undefined;
        conclude.stream(run, { ...served, canonical }, end.tail, end.failed);
        return true;
      }
      case 'stopped':
        this.#stopped(run, call);
        return true;
      case 'fault':
        return this.#failed(run, call, end.fault, end.usage);
    }
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
    if (run.answer.cancelled) conclude.cancelled(run, target, served);
    else conclude.truncated(run, target, served, brokenOff(fault, Date.now() - run.startedAtMs));
    return true;
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
