import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { TollgateError } from '@tollgate/errors';
import type { Credential } from '../model/snapshot.ts';

/** No credential is longer; a wrong path must not fill memory. */
const CHARACTERS_MAX = 16_384;

/**
 * The credential that a reference stands for. Read again at each use of a new revision: files are rotated in place.
 * @throws TollgateError `upstream_misconfigured`; its internal text names the reference, never the value
 */
export async function readCredential(reference: Credential): Promise<string> {
  const value = 'env' in reference ? process.env[reference.env] : await fileText(reference.file);
  const secret = value?.trim() ?? '';
  const where = 'env' in reference ? `environment variable ${reference.env}` : `file ${reference.file}`;
  if (secret === '') throw misconfigured(`${where} is not there or empty`);
  if (secret.length > CHARACTERS_MAX) throw misconfigured(`${where} is too long for a credential`);
  // It becomes a header's value.
  if (!/^[\x21-\x7e]+$/.test(secret)) throw misconfigured(`${where} holds spaces or unprintable characters`);
  return secret;
}

async function fileText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function misconfigured(internal: string): TollgateError {
  return new TollgateError('upstream_misconfigured', { internal });
}
