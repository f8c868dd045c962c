import type { LimitEvent } from '@tollgate/contracts';

const dayMs = 24 * 3_600_000;
const windowStartMs = Date.UTC(2026, 10, 26);

/** Team engineering's day at 80 % of a million tokens, unless the test says otherwise. */
export function limitEvent(change: Partial<LimitEvent> = {}): LimitEvent {
  return {
    ...{ id: 'lim_1', kind: 'threshold', atMs: windowStartMs + 5000, organizationId: 'acme' },
    ...{ projectId: 'sample', project: 'sample', teamId: 'sample.engineering', team: 'engineering' },
    ...{ scope: 'team', scopeId: 'sample.engineering', scopeName: 'engineering', quantity: 'tokens', window: '1d' },
    ...{ windowStartMs, windowEndMs: windowStartMs + dayMs, selector: '', value: '', mode: 'hard', amount: 1_000_000 },
    ...{ models: [], per: '', timeZone: 'UTC', percent: 80, spent: 812_345, reserved: 0, revision: 7 },
    ...change,
  };
}
