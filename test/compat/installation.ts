import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { demoOf, withTeams } from '../support/demo.ts';
import type { System } from '../support/system.ts';

export interface Installation {
  gatewayUrl: string;
  apiKey: string;
  /** Of a team whose budget is used up. */
  spentKey: string;
  /** A new key that may ask once in three seconds. */
  rateLimitedKey(): Promise<string>;
  /** Puts the demo back, for the tests that come later. */
  restore(): Promise<void>;
}

/**
 * The demo with teams more, with personal data refused instead of masked, and no suspension: what a test does to one client
 * must not suspend the models of the next.
 * @param ask one answer of the gateway with a key; rejects when it is refused
 */
export async function install(
  system: System,
  ask: (gatewayUrl: string, apiKey: string, prompt: string) => Promise<unknown>,
): Promise<Installation> {
  const { gatewayUrl } = await system.status();
  const demo = await demoOf(system);
  const more = withTeams(demo, {
    thrifty: '{ tokens: 100, window: 1d }',
    rated: '{ requests: 20, window: 1m, burst: 1, per: key }',
  });
  // As an operator does it.
  const file = path.join(system.home, 'compat.yaml');
  const refusing = more.replace('ssn: true }', 'ssn: true, mode: block }');
  assert.notEqual(refusing, more);
  await writeFile(file, refusing.replace('suspendDurationSeconds: 30', 'suspendDurationSeconds: 0'));
  await system.cli('apply', '-f', file, '--yes');
  const { key: apiKey } = await system.createKey('engineering', 'compat');
  const { key: spentKey } = await system.createKey('thrifty', 'compat-spent');
  for (let asked = 0; ; asked++) {
    assert.ok(asked < 10, 'the budget holds nobody');
    const served = ask(gatewayUrl, spentKey, `More of number ${asked}`).then(() => true);
    if (!(await served.catch(() => false))) break;
  }
  let keys = 0;
  const rateLimitedKey = async () => (await system.createKey('rated', `compat-rate-${keys++}`)).key;
  return { gatewayUrl, apiKey, spentKey, rateLimitedKey, restore: () => system.apply(demo) };
}
