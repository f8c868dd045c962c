import type { Call } from './call.ts';
import type { Core } from './core.ts';
import type { ContentFilterMode } from './filters.ts';
import type { IssuedUsage } from './usage.ts';

/** The fault's mode beats the deployment's, which beats the simulator's. */
export function filterMode({ core, exchange, deployment }: Call): ContentFilterMode {
  return exchange.fault.contentFilter ?? deployment.contentFilter ?? core.options.contentFilter;
}

export function secondsNow(core: Core): number {
  return Math.floor(core.options.now() / 1000);
}

/** A JSON answer takes as long as its stream would. */
export async function answerPace({ core, exchange }: Call, usage: IssuedUsage): Promise<void> {
  const { firstTokenMs, tokensPerSecond } = core.options;
  const writingMs = tokensPerSecond === undefined ? 0 : (usage.completionTokens * 1000) / tokensPerSecond;
  await exchange.wait(firstTokenMs + writingMs);
}
