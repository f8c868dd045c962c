import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writePrivateFile } from '@tollgate/engines';

const tokenBytes = 24;

/** What one start tells the next. */
export interface KeptState {
  /** SHA-256 of the configuration that was applied last. */
  appliedSha256?: string;
  firstKeyMade?: boolean;
}

export function readState(home: string): KeptState {
  try {
    return JSON.parse(readFileSync(file(home), 'utf8')) as KeptState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file(home)} cannot be read: ${(error as Error).message}`);
  }
}

export function writeState(home: string, state: KeptState): void {
  writePrivateFile(file(home), `${JSON.stringify(state, null, 2)}\n`);
}

/**
 * The token of the admin API: TOLLGATE_ADMIN_TOKEN, else one that is made at the first start and kept in the home folder
 * (0600). One that was given is not written anywhere.
 */
export function adminToken(home: string, given: string | undefined): string {
  if (given) return given;
  return readKeptToken(home) ?? makeSecret(adminTokenFile(home));
}

export function readKeptToken(home: string): string | undefined {
  return readSecret(adminTokenFile(home));
}

/**
 * What response ids are sealed with: TOLLGATE_RESPONSE_ID_KEY, else one that is made at the first start and kept in the home
 * folder (0600). Without it the ids that were given out lead nowhere.
 */
export function responseIdKey(home: string, given: string | undefined): string {
  return given || (readSecret(responseIdKeyFile(home)) ?? makeSecret(responseIdKeyFile(home)));
}

function makeSecret(at: string): string {
  const made = randomBytes(tokenBytes).toString('base64url');
  writePrivateFile(at, `${made}\n`);
  return made;
}

function readSecret(at: string): string | undefined {
  try {
    return readFileSync(at, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const responseIdKeyFile = (home: string) => path.join(home, 'response-id-key');

export const adminTokenFile = (home: string) => path.join(home, 'admin-token');

const file = (home: string) => path.join(home, 'state.json');
