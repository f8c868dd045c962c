import { Delivery, Receipt, RequestStatus, Surface, UsageEvent } from '@tollgate/contracts';

const EMPTY = new Uint8Array(0);

/** A measured request of 100 + 20 tokens that cost 1,000 nano-dollars, unless the test says otherwise. */
export function usageEvent(
  requestId: string,
  more: Partial<UsageEvent> = {},
  receipt: Partial<Receipt> = {},
): UsageEvent {
  return {
    ...UsageEvent.decode(EMPTY),
    receipt: {
      ...Receipt.decode(EMPTY),
      requestId,
      organizationId: 'o-1',
      organization: 'org',
      projectId: 'p-1',
      project: 'project',
      teamId: 't-1',
      team: 'engineering',
      keyId: 'k-1',
      startedAtMs: Date.UTC(2026, 9, 20, 12),
      reservations: [
        {
          scope: 'team',
          scopeId: 't-1',
          quantity: 'tokens',
          window: '1d',
          windowStartMs: Date.UTC(2026, 9, 20),
          windowEndMs: Date.UTC(2026, 9, 21),
          amount: 500,
          models: [],
          selector: '',
          value: '',
        },
      ],
      ...receipt,
    },
    version: 3,
    provider: 'azure',
    model: 'gpt-4o',
    surface: Surface.RESPONSES,
    status: RequestStatus.COMPLETED,
    httpStatus: 200,
    delivered: Delivery.COMPLETE,
    billed: { prompt: 100, completion: 20, cachedPrompt: 0, reasoning: 0 },
    costNanoUsd: 1000,
    cacheStatus: 'MISS',
    ...more,
  };
}
