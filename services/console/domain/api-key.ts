import { createHash, randomBytes } from 'node:crypto';
import type { KeyRecord } from '@tollgate/config';

export interface NewKey {
  /** In plain text; shown once, kept nowhere. */
  key: string;
  record: KeyRecord;
}

export type KeyOwner = Pick<KeyRecord, 'organizationId' | 'projectId' | 'project' | 'teamId' | 'team'>;

/** A new API key: `tg_` and 64 hex digits, 256 random bits. */
export function mintKey(
  { organizationId, projectId, project, teamId, team }: KeyOwner,
  settings: { name: string; proxies?: string[]; models?: string[]; expiresAtMs?: number },
  nowMs: number,
): NewKey {
  const key = `tg_${randomBytes(32).toString('hex')}`;
  const record: KeyRecord = {
    id: `key_${randomBytes(10).toString('hex')}`,
    hash: createHash('sha256').update(key).digest('hex'),
    lastFive: key.slice(-5),
    createdAtMs: nowMs,
    // One by one: of a key that is rotated its owner is taken, and not its id or its hash.
    ...{ organizationId, projectId, project, teamId, team },
    ...settings,
  };
  return { key, record };
}

/** What may be shown of a key: everything but its hash. */
export function describeKey({ hash: _, ...shown }: KeyRecord, nowMs: number) {
  return { ...shown, state: stateOf(shown, nowMs) };
}

export function stateOf(
  record: Pick<KeyRecord, 'revokedAtMs' | 'expiresAtMs'>,
  nowMs: number,
): 'active' | 'expired' | 'revoked' {
  if (record.revokedAtMs !== undefined) return 'revoked';
  return record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs ? 'expired' : 'active';
}
