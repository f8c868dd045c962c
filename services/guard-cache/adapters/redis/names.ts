import { hash } from 'node:crypto';
import type { Surface } from '@tollgate/contracts';
import { rulesVersion } from '../../domain/agree.ts';

/** Who may share an answer, and what must be the same before texts are compared. */
export interface Place {
  readonly organizationId: string;
  /** Owner of the entries: `team:<id>`, `key:<id>` or `proxy:<id>`. */
  readonly scopeId: string;
  readonly proxyId: string;
  readonly surface: Surface;
  /** SHA-256 over everything that changes the answer but the last user text. */
  readonly fingerprint: Uint8Array;
}

export interface Names {
  /** Entries of the scope: their group, a colon and their text's signature follow. */
  readonly entries: string;
  /** Vector sets of the scope: their group follows. */
  readonly sets: string;
  /** What leads from a signature to an entry of the scope: group, level and signature follow. */
  readonly signatures: string;
  /** Every entry of the scope by the time it expires. */
  readonly expiries: string;
  /** What must be the same before texts are compared, as one short name. */
  readonly group: string;
}

const groupLength = 22;

/**
 * The scope is the hash tag, so all keys of one lookup are in one slot, and stands in every key: no lookup can reach
 * another tenant's entries. Rules and embedder are part of the group, since only what they made alike can be compared.
 */
export function namesOf({ organizationId, scopeId, proxyId, surface, fingerprint }: Place): Names {
  const scope = `tg:v1:cache:{${encodeURIComponent(organizationId)}/${encodeURIComponent(scopeId)}}`;
  const fixed = JSON.stringify([
    rulesVersion,
    'LOCAL',
    proxyId,
    surface,
    Buffer.from(fingerprint.buffer, fingerprint.byteOffset, fingerprint.byteLength).toString('base64url'),
  ]);
  return {
    entries: `${scope}:e:`,
    sets: `${scope}:s:`,
    signatures: `${scope}:a:`,
    expiries: `${scope}:x`,
    group: hash('sha256', fixed, 'base64url').slice(0, groupLength),
  };
}
