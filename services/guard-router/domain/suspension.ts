import type { ModelRotation } from '@tollgate/config';

/** Two different requests that meet an unclear failure within this time suspend the target; one poisonous prompt does not. */
export const suspectWithinMs = 10_000;

/** How long a probe may run before another request may probe. */
export const probeMsMax = 30_000;

type Settings = Pick<ModelRotation, 'suspendDurationSeconds' | 'maxSuspendSeconds'>;

/**
 * Until when a failure suspends its target: the configured duration, the provider's Retry-After where that is longer,
 * never beyond the bound (Azure has sent "retry after 86400"). 0 = suspension is switched off.
 */
export function suspendedUntilMs(settings: Settings, retryAfterMs: number, nowMs: number): number {
  if (settings.suspendDurationSeconds === 0) return 0;
  const wishedMs = Math.max(settings.suspendDurationSeconds * 1000, retryAfterMs);
  return nowMs + Math.min(wishedMs, settings.maxSuspendSeconds * 1000);
}
