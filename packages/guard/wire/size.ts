import type { Affinity, GuardReply, GuardRequest, Receipt } from '@tollgate/contracts';

/** A UTF-16 unit needs at most three bytes of UTF-8; tag and length of a field need at most eight. */
const textBytes = (text: string): number => text.length * 3 + 8;

const fixedBytes = 512;

function mapBytes(map: Record<string, string>): number {
  let bytes = 0;
  for (const name in map) bytes += textBytes(name) + textBytes(map[name] ?? '') + 8;
  return bytes;
}

/**
 * An upper bound of the encoded size in bytes, without encoding: decides between batch and bulk in a microsecond, and is
 * exact enough, because only texts and bodies are ever large.
 */
export function requestBytesBound(request: Omit<GuardRequest, 'id'>): number {
  const bytes = fixedBytes + textBytes(request.requestId) + textBytes(request.proxy);
  const call = request.call;
  if (call === undefined) return bytes;
  switch (call.$case) {
    case 'pii': {
      let texts = bytes;
      for (const text of call.value.texts) texts += textBytes(text);
      return texts;
    }
    case 'cache':
      return (
        bytes +
        textBytes(call.value.scopeId) +
        call.value.fingerprint.length +
        textBytes(call.value.text) +
        textBytes(call.value.teamId ?? '')
      );
    case 'auth': {
      const { keyHash, model, user, metadata, clientAddress, owner, idempotency } = call.value;
      const texts = textBytes(model) + textBytes(user) + textBytes(clientAddress) + textBytes(owner);
      const claim = idempotency ? 128 + textBytes(idempotency.abandoned) : 0;
      return bytes + keyHash.length + texts + mapBytes(metadata) + claim;
    }
    case 'route': {
      const { model, teamId = '', affinity } = call.value;
      return bytes + textBytes(model) + textBytes(teamId) + (affinity ? affinityBytes(affinity) : 0);
    }
  }
}

function affinityBytes({ responseId, contentMarks, itemIds, action }: Affinity): number {
  let bytes = 8 + textBytes(responseId) + textBytes(action);
  for (const mark of contentMarks) bytes += textBytes(mark);
  for (const id of itemIds) bytes += textBytes(id);
  return bytes;
}

function receiptBytes(receipt: Receipt): number {
  const { requestId, organizationId, organization, projectId, project, teamId, team, keyId } = receipt;
  const ids = requestId.length + organizationId.length + projectId.length + teamId.length + keyId.length;
  const names = organization.length + project.length + team.length;
  let bytes = fixedBytes + (ids + names) * 3;
  for (const { scopeId, models, selector, value } of receipt.reservations) {
    bytes += 256 + textBytes(scopeId) + textBytes(selector) + textBytes(value);
    for (const model of models) bytes += 8 + textBytes(model);
  }
  return bytes;
}

/** The same for a reply. */
export function replyBytesBound(reply: GuardReply): number {
  const result = reply.result;
  if (result === undefined) return fixedBytes;
  switch (result.$case) {
    case 'pii': {
      let bytes = fixedBytes + mapBytes(result.value.originals);
      for (const masked of result.value.masked) bytes += 16 + textBytes(masked.text);
      for (const entity in result.value.entities) bytes += 16 + textBytes(entity);
      return bytes + errorBytes(result.value.refusal);
    }
    case 'cache': {
      const hit = result.value.hit;
      return hit === undefined ? fixedBytes : fixedBytes + hit.body.length + textBytes(hit.provider + hit.model);
    }
    case 'auth': {
      const { receipt, refusal, headers, hits, idempotency } = result.value;
      let bytes = fixedBytes + (receipt ? receiptBytes(receipt) : 0) + errorBytes(refusal) + mapBytes(headers);
      if (idempotency) bytes += 16 + textBytes(idempotency.running) + idempotency.answer.length;
      for (const hit in hits) bytes += 16 + textBytes(hit);
      return bytes;
    }
    case 'route': {
      let bytes = fixedBytes + errorBytes(result.value.refusal) + textBytes(result.value.providerResponseId ?? '');
      for (const { provider, model, deployment, baseModel, region } of result.value.targets) {
        bytes += 64 + (provider.length + model.length + deployment.length + baseModel.length + region.length) * 3;
      }
      return bytes;
    }
    case 'error':
      return fixedBytes + errorBytes(result.value);
  }
}

type ErrorLike = { message: string; internal: string; param: string; headers: Record<string, string> };

function errorBytes(error: ErrorLike | undefined): number {
  if (error === undefined) return 0;
  return 64 + textBytes(error.message) + textBytes(error.internal) + textBytes(error.param) + mapBytes(error.headers);
}
