export { connectAzureSimulator, type RemoteAzureSimulator } from './client.ts';
export type { DeploymentOptions } from './deployments.ts';
export { type ActiveFault, FAULT_KINDS, type FaultKind, type FaultSpec, type Surface } from './faults.ts';
export type { ContentFilterMode } from './filters.ts';
export type { AzureSimulatorOptions } from './options.ts';
export type { CallFilter, RecordedCall, WaitOptions } from './recorder.ts';
export { type AzureSimulator, startAzureSimulator } from './simulator.ts';
export type { DeploymentTotals, Totals } from './totals.ts';
export type { IssuedUsage } from './usage.ts';
