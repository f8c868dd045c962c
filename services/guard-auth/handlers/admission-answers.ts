import type { ConfigSnapshot, KeyRecord } from '@tollgate/config';
import {
  type AuthCall,
  type AuthResult,
  type GuardRequest,
  type IdempotencyStanding,
  type Receipt,
  Surface,
} from '@tollgate/contracts';
import { type TollgateError, toErrorDetail } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import type { ReserveAnswer } from '../adapters/budget-store.ts';
import type { Estimate } from '../domain/estimate.ts';
import { withGrant } from '../domain/grant.ts';
import type { Plan } from '../domain/plan.ts';

/** One request's view of the configuration. */
export interface Asked {
  request: GuardRequest;
  call: AuthCall;
  snapshot: ConfigSnapshot;
  record: KeyRecord;
}

/** Of a request that another one makes the call for: it is admitted, and reserves nothing. */
export function standing(asked: Asked, idempotency: IdempotencyStanding): GuardResult {
  const receipt = receiptOf(asked, { checks: [], charges: [] }, { promptTokens: 0 }, 0);
  return reply({ receipt, refusal: undefined, headers: {}, hits: {}, models: [], idempotency });
}

export function receiptOf(
  { request, call, snapshot, record }: Asked,
  plan: Plan,
  { promptTokens }: Pick<Estimate, 'promptTokens'>,
  completionTokens: number,
): Receipt {
  return {
    requestId: request.requestId,
    organizationId: record.organizationId,
    organization: snapshot.organization.name,
    projectId: record.projectId,
    project: record.project,
    teamId: record.teamId,
    team: record.team,
    keyId: record.id,
    startedAtMs: call.startedAtMs,
    revision: snapshot.revision,
    reservations: plan.charges.map(({ reservation }) => reservation),
    estimatedPromptTokens: promptTokens,
    estimatedCompletionTokens: completionTokens,
    ...{ outputTokensMax: undefined, extensions: undefined },
    bodyBytes: call.bodyBytes,
  };
}

/** The receipt of what was really charged: what was granted, the counter that all values share, nothing where nothing was. */
export function admittedReceipt(receipt: Receipt, { shared, uncharged, grant }: ReserveAnswer): Receipt {
  const granted = grant ? withGrant(receipt, grant) : receipt;
  if (!shared && !uncharged) return granted;
  const reservations = granted.reservations.flatMap((reservation, at) => {
    if (uncharged?.has(at)) return [];
    return shared?.has(at) ? { ...reservation, value: '' } : reservation;
  });
  return { ...granted, reservations };
}

/** A known key's refusal: its row is written from a receipt that reserves nothing. */
export function refuse(
  asked: Asked,
  error: TollgateError,
  headers: Record<string, string> = {},
  hits: Record<string, number> = {},
): GuardResult {
  const receipt = receiptOf(asked, { checks: [], charges: [] }, { promptTokens: 0 }, 0);
  return reply({ receipt, refusal: toErrorDetail(error), headers, hits, models: [] });
}

export function modelsOf({ call, record }: Asked): string[] {
  return call.surface === Surface.MODELS ? (record.models ?? []) : [];
}

export function reply(result: AuthResult): GuardResult {
  return { $case: 'auth', value: result };
}
