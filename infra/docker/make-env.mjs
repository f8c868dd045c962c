#!/usr/bin/env node
// Makes .env, from which docker-compose.yml takes its credentials: random ones, readable by their owner only. Values that are
// there already stay, so it can be run again after an update that wants a new one. Plain JavaScript for any Node ≥ 20.
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const secretBytes = 24;
const guards = ['guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];
const services = ['ingress', 'pipeline', ...guards, 'upstream', 'analytics', 'console'];

export const variables = [
  ...['ADMIN_TOKEN', 'REDIS_PASSWORD', 'CACHE_REDIS_PASSWORD', 'CLICKHOUSE_PASSWORD', 'SIM_API_KEY', 'RESPONSE_ID_KEY'],
  ...services.map((service) => `NATS_PASSWORD_${service.toUpperCase().replaceAll('-', '_')}`),
].map((name) => `TOLLGATE_${name}`);

/** The lines that `text` lacks. Hexadecimal digits stand in URLs and in every engine's configuration as they are. */
export function missingLines(text) {
  const has = (variable) => new RegExp(`^[ \\t]*${variable}[ \\t]*=[ \\t]*\\S`, 'm').test(text);
  return variables
    .filter((variable) => !has(variable))
    .map((variable) => `${variable}=${randomBytes(secretBytes).toString('hex')}`);
}

/** Completes the file and returns the names of what was added. */
export function completeFile(file) {
  const descriptor = openSync(file, 'a+', 0o600);
  try {
    const text = readFileSync(descriptor, 'utf8');
    const lines = missingLines(text);
    fchmodSync(descriptor, 0o600);
    const lineEnd = text === '' || text.endsWith('\n') ? '' : '\n';
    if (lines.length > 0) writeSync(descriptor, `${lineEnd}${lines.join('\n')}\n`);
    return lines.map((line) => line.slice(0, line.indexOf('=')));
  } finally {
    closeSync(descriptor);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = path.resolve(process.argv[2] ?? '.env');
  const added = completeFile(file);
  console.log(added.length > 0 ? `${file}: made ${added.join(', ')}` : `${file} has everything already.`);
}
