import type { BackgroundState } from '@tollgate/contracts';

const over: ReadonlySet<string> = new Set(['completed', 'incomplete', 'failed', 'cancelled']);

/** Nothing will change any more. */
export function isOver({ status }: Pick<BackgroundState, 'status'>): boolean {
  return over.has(status);
}

/** One that kills its replica again and again must not do so for ever. */
const lostMax = 3;

/** Why it is not begun again; empty when it may be. */
export function whyNot(
  { lost, admittedAtMs }: Pick<BackgroundState, 'lost' | 'admittedAtMs'>,
  deadlineMs: number,
  nowMs: number,
): '' | 'gateway_interrupted' | 'upstream_timeout' {
  if (lost >= lostMax) return 'gateway_interrupted';
  return nowMs >= admittedAtMs + deadlineMs ? 'upstream_timeout' : '';
}
