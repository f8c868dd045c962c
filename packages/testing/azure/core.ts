import { type Deployment, resolveDeployments } from './deployments.ts';
import { FaultList, type FaultSpec } from './faults.ts';
import { Gates } from './gates.ts';
import type { ResolvedOptions } from './options.ts';
import { Quotas } from './quota.ts';
import { ReasoningSeal } from './reasoning.ts';
import { Recorder } from './recorder.ts';
import { ResponseStore } from './response-store.ts';
import { TotalsCounter } from './totals.ts';

/** What the calls of any provider's simulator share: what disturbs them, and what is remembered of them. */
export interface SharedCore {
  options: Pick<ResolvedOptions, 'now' | 'zeroDelay'>;
  faults: FaultList;
  gates: Gates;
  quotas: Quotas;
  recorder: Recorder;
  totals: TotalsCounter;
}

/** Everything that the calls of one simulator of Azure share. */
export interface Core extends SharedCore {
  options: ResolvedOptions;
  deployments: Map<string, Deployment>;
  reasoning: ReasoningSeal;
  responses: ResponseStore;
}

export function createCore(options: ResolvedOptions): Core {
  const deployments = resolveDeployments(options.deployments);
  return {
    options,
    deployments,
    faults: new FaultList(),
    gates: new Gates(),
    quotas: new Quotas(options.now),
    reasoning: new ReasoningSeal(),
    recorder: new Recorder(options.recordedCallsMax),
    responses: new ResponseStore(),
    totals: new TotalsCounter(deployments.keys()),
  };
}

/** Forgets faults, gates, calls, totals, quotas and stored responses. */
export function resetCore(core: Core): void {
  resetShared(core);
  core.responses.clear();
}

/** Forgets faults, gates, calls, totals and quotas. */
export function resetShared(core: SharedCore): void {
  core.faults.clear();
  core.gates.clear();
  core.quotas.reset();
  core.recorder.reset();
  core.totals.reset();
}

/** @throws TypeError, RangeError as FaultList.add, and Error in bench mode, where no fault would take effect. */
export function addFault(core: SharedCore, spec: FaultSpec): string {
  if (core.options.zeroDelay) throw new Error('In bench mode (zeroDelay) no fault takes effect');
  return core.faults.add(spec);
}
