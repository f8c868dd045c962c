import { type Deployment, resolveDeployments } from '../azure/deployments.ts';

export interface ModelOptions {
  /** What callers say in `model`. */
  name: string;
  /** What answers call themselves; default: the dated version of `name`, or `name` where none is known. */
  model?: string;
  /** Enforced when given; without it 100,000 is shown in the headers and nothing is refused. */
  requestsPerMinute?: number;
  /** Enforced when given; without it 10,000,000 is shown in the headers and nothing is refused. */
  tokensPerMinute?: number;
}

export interface AnthropicSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** What callers must present as `x-api-key`; default `anthropic-simulator-key`. */
  apiKey?: string;
  /** Default: claude-sonnet-4-5, claude-haiku-4-5. */
  models?: readonly ModelOptions[];
  /** How long the model thinks before its first token; default 0. */
  firstTokenMs?: number;
  /** How fast it then writes; default: as fast as the caller reads. */
  tokensPerSecond?: number;
  /** How many calls the recorder keeps; default 1,000. */
  recordedCallsMax?: number;
  /** Milliseconds since the epoch; default Date.now. */
  now?: () => number;
}

export interface ResolvedOptions {
  host: string;
  port: number;
  apiKey: string;
  models: Map<string, Deployment>;
  firstTokenMs: number;
  tokensPerSecond: number | undefined;
  recordedCallsMax: number;
  /** There is no bench mode. */
  zeroDelay: false;
  now: () => number;
}

/** As Anthropic dates them (docs, "Models overview"). */
const VERSIONS: Readonly<Record<string, string>> = {
  'claude-sonnet-4-5': 'claude-sonnet-4-5-20250929',
  'claude-haiku-4-5': 'claude-haiku-4-5-20251001',
  'claude-opus-4-1': 'claude-opus-4-1-20250805',
};

const DEFAULT_MODELS: readonly ModelOptions[] = [{ name: 'claude-sonnet-4-5' }, { name: 'claude-haiku-4-5' }];

/** @throws TypeError for a model that is given twice or has no name. */
export function resolveOptions(options: AnthropicSimulatorOptions): ResolvedOptions {
  const { models = DEFAULT_MODELS } = options;
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    apiKey: options.apiKey ?? 'anthropic-simulator-key',
    models: resolveDeployments(models.map(({ model, ...own }) => ({ ...own, model: versionOf(model ?? own.name) }))),
    firstTokenMs: options.firstTokenMs ?? 0,
    tokensPerSecond: options.tokensPerSecond,
    recordedCallsMax: options.recordedCallsMax ?? 1_000,
    zeroDelay: false,
    now: options.now ?? Date.now,
  };
}

function versionOf(name: string): string {
  return VERSIONS[name] ?? name;
}
