import type { Webhook } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';

/** Whether this receiver is told of this event: of its own scope's limits and of those below, in no other way. */
export function isTold(webhook: Webhook, event: LimitEvent): boolean {
  // It refuses nobody and is tried out: for the ledger alone.
  if (event.mode === 'shadow') return false;
  if (!isWithin(webhook, event)) return false;
  if (event.kind === 'refused') return webhook.refusals;
  return event.kind === 'threshold' && (webhook.thresholds?.includes(event.percent) ?? true);
}

function isWithin({ scope, scopeId }: Webhook, event: LimitEvent): boolean {
  switch (scope) {
    case 'organization':
      return event.organizationId === scopeId;
    case 'project':
      return event.projectId === scopeId;
    case 'team':
      return event.teamId === scopeId;
  }
}
