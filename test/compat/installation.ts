import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { demoOf, withTeams } from '../support/demo.ts';
import type { System } from '../support/system.ts';
import { claude } from './anthropic.ts';

/** A simulator, here or in another process. */
type Provider = {
  [Method in 'calls' | 'openGate']: (
    ...given: Parameters<AnthropicSimulator[Method]>
  ) => ReturnType<AnthropicSimulator[Method]> | Promise<ReturnType<AnthropicSimulator[Method]>>;
};

export interface Installation {
  gatewayUrl: string;
  apiKey: string;
  /** Of a team whose budget is used up. */
  spentKey: string;
  /** A new key that may ask once in three seconds. */
  rateLimitedKey(): Promise<string>;
  /** A new key that may ask once in a minute. */
  slowKey(): Promise<string>;
  /** What Azure was asked. */
  azure: Provider;
  /** What Anthropic was asked. */
  anthropic: Provider;
  /** Puts the demo back, for the tests that come later. */
  restore(): Promise<void>;
}

/**
 * The demo with teams more and a proxy for Claude at `/claude`, with personal data refused instead of masked, and no suspension: what
 * a test does to one client must not suspend the models of the next.
 * @param ask one answer of the gateway with a key; rejects when it is refused
 * @param byDefault the proxy that is served at the root
 */
export async function install(
  system: System,
  ask: (gatewayUrl: string, apiKey: string, prompt: string) => Promise<unknown>,
  byDefault: 'enterprise-llm-proxy' | 'claude' = 'enterprise-llm-proxy',
): Promise<Installation> {
  const { gatewayUrl } = await system.status();
  const [azure, anthropic] = await Promise.all([system.simulator(), startAnthropicSimulator()]);
  const demo = await demoOf(system);
  const keyFile = path.join(system.home, 'compat-anthropic-key');
  await writeFile(keyFile, anthropic.apiKey, { mode: 0o600 });
  // As an operator does it.
  const file = path.join(system.home, 'compat.yaml');
  await writeFile(file, configuration(demo, anthropic.address, keyFile, byDefault));
  await system.cli('apply', '-f', file, '--yes');
  const { key: apiKey } = await system.createKey('engineering', 'compat');
  const { key: spentKey } = await system.createKey('thrifty', 'compat-spent');
  // An answer that takes more than all of it, so that nothing is left for a small request either.
  for (let asked = 0; ; asked++) {
    assert.ok(asked < 10, 'the budget holds nobody');
    const served = ask(gatewayUrl, spentKey, `Write 200 words, number ${asked}`).then(() => true);
    if (!(await served.catch(() => false))) break;
  }
  let keys = 0;
  const keyOf = async (team: string) => (await system.createKey(team, `compat-${team}-${keys++}`)).key;
  return {
    gatewayUrl,
    apiKey,
    spentKey,
    rateLimitedKey: () => keyOf('rated'),
    slowKey: () => keyOf('slow'),
    azure,
    anthropic,
    restore: async () => {
      await system.apply(demo);
      await anthropic.close();
    },
  };
}

function configuration(demo: string, address: string, keyFile: string, byDefault: string): string {
  const steps: [string, string][] = [
    ['ssn: true }', 'ssn: true, mode: block }'],
    ['suspendDurationSeconds: 30', 'suspendDurationSeconds: 0'],
    ['  gpt-4o:', `  ${claude}: { prompt: 1.00, cachedPrompt: 0.10, cacheWrite: 1.25, completion: 5.00 }\n  gpt-4o:`],
    [
      'providers:\n',
      `providers:\n  - { name: anthropic, type: anthropic, endpoint: "${address}", apiKey: { file: ${keyFile} }, models: [${claude}] }\n`,
    ],
    ['default: true', `default: ${byDefault === 'enterprise-llm-proxy'}`],
    [
      '    proxies:\n',
      `    proxies:
      - name: claude
        context: /claude
        provider: anthropic
        default: ${byDefault === 'claude'}
        guardrails:
          - piiMasking: { email: true, phone: true, ssn: true, mode: block }
`,
    ],
  ];
  const teams = {
    thrifty: '{ tokens: 200, window: 1d }',
    rated: '{ requests: 20, window: 1m, burst: 1, per: key }',
    slow: '{ requests: 1, window: 1m, burst: 1, per: key }',
  };
  return steps.reduce(
    (text, [from, to]) => {
      assert.ok(text.includes(from), `the demo says ${from}`);
      return text.replace(from, to);
    },
    withTeams(demo, teams),
  );
}
