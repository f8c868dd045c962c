import { DEFAULT_DEPLOYMENTS, type DeploymentOptions } from './deployments.ts';
import type { ContentFilterMode } from './filters.ts';

export interface AzureSimulatorOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** What callers must present; default `azure-simulator-key`. */
  apiKey?: string;
  /** Given: only these tokens are taken, as Bearer, and no key. In the process of the test only. */
  tokens?: { isValid(token: string): boolean };
  /** Default: gpt-4o, gpt-4o-mini, text-embedding-3-small. */
  deployments?: readonly DeploymentOptions[];
  /** Default `default`: text comes in bursts. */
  contentFilter?: ContentFilterMode;
  /** How long the model thinks before its first token; default 0. */
  firstTokenMs?: number;
  /** How fast it then writes; default: as fast as the caller reads. JSON answers wait as long as the stream would take. */
  tokensPerSecond?: number;
  /**
   * Bench mode: one fixed answer from prebuilt bytes, streams in one write, no tokenizer, no recording, no faults. The
   * prompt's tokens are then a quarter of the body's bytes, rounded up; totals are still kept.
   */
  zeroDelay?: boolean;
  /** How many calls the recorder keeps; default 1,000, each with at most 64 KiB of its body. 0 records nothing. */
  recordedCallsMax?: number;
  /** Milliseconds since the epoch; default Date.now. */
  now?: () => number;
}

export type ResolvedOptions = Required<Omit<AzureSimulatorOptions, 'tokensPerSecond' | 'tokens'>> & {
  tokensPerSecond: number | undefined;
  tokens: AzureSimulatorOptions['tokens'];
};

/** @throws TypeError for figures out of range and for bench mode together with a pace. */
export function resolveOptions(options: AzureSimulatorOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    apiKey: options.apiKey ?? 'azure-simulator-key',
    tokens: options.tokens,
    deployments: options.deployments ?? DEFAULT_DEPLOYMENTS,
    contentFilter: options.contentFilter ?? 'default',
    firstTokenMs: options.firstTokenMs ?? 0,
    tokensPerSecond: options.tokensPerSecond,
    zeroDelay: options.zeroDelay ?? false,
    recordedCallsMax: options.zeroDelay ? 0 : (options.recordedCallsMax ?? 1_000),
    now: options.now ?? Date.now,
  };
  const { port, firstTokenMs, tokensPerSecond, recordedCallsMax } = resolved;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new TypeError(`port ${port} is not 0 to 65535`);
  if (resolved.apiKey === '') throw new TypeError('The simulator needs an API key');
  if (!(firstTokenMs >= 0)) throw new TypeError(`firstTokenMs ${firstTokenMs} is negative`);
  if (tokensPerSecond !== undefined && !(tokensPerSecond > 0)) {
    throw new TypeError(`tokensPerSecond ${tokensPerSecond} is not above 0`);
  }
  if (!Number.isInteger(recordedCallsMax) || recordedCallsMax < 0 || recordedCallsMax > 100_000) {
    throw new TypeError(`recordedCallsMax ${recordedCallsMax} is not 0 to 100000`);
  }
  if (resolved.zeroDelay && (firstTokenMs > 0 || tokensPerSecond !== undefined)) {
    throw new TypeError('zeroDelay excludes firstTokenMs and tokensPerSecond');
  }
  if (resolved.zeroDelay && resolved.tokens) throw new TypeError('zeroDelay excludes tokens');
  return resolved;
}
