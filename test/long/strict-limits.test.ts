import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { Redis } from 'ioredis';
import OpenAI from 'openai';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// A strict limit is never passed: not by 200 parallel requests on a nearly spent budget, not by answers as long as models
// write, not by failed calls that the provider bills.

const tokensMax = 40_000;
const nanoUsdMax = 400_000_000;
const parallel = 200;
let system: System;
let gatewayUrl: string;

const configuration = (endpoint: string) => `
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, cachedPrompt: 0.075, completion: 0.60 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: ${endpoint}
    apiKey: { env: AZURE_OPENAI_API_KEY }
    apiVersion: "2025-04-01-preview"
    models: [{ name: gpt-4o, imageTokensMax: 1000 }, gpt-4o-mini]
projects:
  - name: sample-project
    teams:
      - { name: engineering, limits: [{ tokens: ${tokensMax}, window: 1y, mode: strict }] }
      - { name: product, limits: [{ costUsd: ${nanoUsdMax / 1e9}, window: 1y, mode: strict }, { tokens: 1000000, window: 1y }] }
      - { name: sales, limits: [{ tokens: ${tokensMax}, window: 1y, mode: strict }] }
    proxies:
      - name: enterprise-llm-proxy
        context: /enterprise-llm-proxy
        provider: azure-openai
        default: true
        guardrails:
          - piiMasking: { email: true }
          - semanticCache: { similarityThreshold: 0.92 }
          - modelRotation: { models: [{ model: gpt-4o }, { model: gpt-4o-mini }], suspendDurationSeconds: 0 }
`;

before(async () => {
  system = await newSystem();
  await system.start();
  const status = await system.status();
  gatewayUrl = status.gatewayUrl;
  const file = path.join(system.home, 'strict.yaml');
  await writeFile(file, configuration(status.simulatorUrl ?? ''));
  await system.cli('apply', '--file', file, '--yes');
  await until('the revision with strict limits is proven', async () => {
    const { ready, services } = await system.status();
    return (ready && services.every((service) => service.ready)) || undefined;
  });
});
after(() => system?.remove());

interface Spent {
  rows: number;
  tokens: number;
  nanoUsd: number;
}

async function ledger(team: string): Promise<Spent> {
  const [row] = await system.sql<Record<keyof Spent, string>>(
    `SELECT count() AS rows, sum(prompt_tokens + completion_tokens) AS tokens, sum(cost_nano_usd) AS nanoUsd
     FROM usage WHERE team = '${team}'`,
  );
  return { rows: Number(row?.rows), tokens: Number(row?.tokens), nanoUsd: Number(row?.nanoUsd) };
}

/** Of a team's counters in the budget Redis: nothing is held when nobody runs. */
async function reserved(team: string): Promise<number> {
  const redis = new Redis((await system.status()).redisUrl);
  try {
    const names = (await redis.keys('*:c:team:*')).filter((name) => name.includes(`sample-project.${team}:`));
    const held = await Promise.all(names.map((name) => redis.hget(name, 'reserved')));
    return held.reduce((sum, amount) => sum + Number(amount ?? 0), 0);
  } finally {
    redis.disconnect();
  }
}

type Ask = { content: string; stream?: boolean; max_tokens?: number; responses?: boolean };

/** @returns the error's code, or why the answer ended */
async function ask(client: OpenAI, { content, stream = false, responses = false, ...more }: Ask): Promise<string> {
  try {
    if (responses) {
      const answer = await client.responses.create({ model: 'gpt-4o', input: content });
      return answer.incomplete_details?.reason ?? answer.status ?? '';
    }
    const messages = [{ role: 'user' as const, content }];
    if (!stream) {
      const answer = await client.chat.completions.create({ model: 'gpt-4o', messages, ...more });
      return answer.choices[0]?.finish_reason ?? '';
    }
    let reason = 'none';
    for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages, stream, ...more })) {
      reason = chunk.choices[0]?.finish_reason ?? reason;
    }
    return reason;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return String(error.code);
    throw error;
  }
}

const turnedAway = ['overloaded', 'guard_unavailable', 'store_unavailable'];

/** Asks in parallel while calls fail, spends most of what is left, asks in parallel for more than is left, until nothing is. */
async function spendAll(t: TestContext, team: string, spent: (of: Spent) => number, max: number): Promise<void> {
  const { key } = await system.createKey(team, 'strict');
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: key, maxRetries: 0 });
  const simulator = await system.simulator();
  await simulator.reset();
  const outcomes = new Map<string, number>();
  let asked = 0;
  const send = async (more: Omit<Ask, 'content'>) => {
    const outcome = await ask(client, { content: `Write 6000 words, please. Request ${asked++} of ${team}.`, ...more });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    return outcome;
  };
  // On a busy machine some of so many are turned away before they are admitted: those have no row.
  const notAdmitted = () => turnedAway.reduce((sum, code) => sum + (outcomes.get(code) ?? 0), 0);
  const settled = async () => {
    let seen = {};
    try {
      return await until(
        'all rows',
        async () => {
          const found = await ledger(team);
          const held = await reserved(team);
          seen = { ...found, held };
          return found.rows >= asked - notAdmitted() && held === 0 ? found : undefined;
        },
        // Longer than the lease of an owner that died.
        60_000,
      );
    } catch (error) {
      const said = JSON.stringify(Object.fromEntries(outcomes));
      throw new Error(`${asked} requests of ${team}, ${said}: ${JSON.stringify(seen)}`, { cause: error });
    }
  };

  const wave = (of: (at: number) => Omit<Ask, 'content'>) =>
    Promise.all(Array.from({ length: parallel }, (_, at) => send({ stream: at % 2 === 1, ...of(at) })));
  for (const kind of ['cutAfterHeaders', 'cutBeforeHeaders', 'cut'] as const)
    await simulator.addFault({ kind, count: 4 });
  await simulator.addFault({ kind: 'status', status: 500, count: 8 });
  await wave((at) => ({ max_tokens: 20 + at }));
  await simulator.clearFaults();
  while (spent(await settled()) < 0.75 * max) await send({});
  // The first of them ask for more than is left.
  await wave((at) => (at < 6 ? { responses: at === 4 } : { max_tokens: 20 + at }));
  for (let refused = 0; refused < 2; ) if ((await send({ max_tokens: 20 })) === 'budget_exceeded') refused++;

  const total = await settled();
  const { issued, unfinished, calls } = (await simulator.totals()).all;
  const overspend = (100 * Math.max(0, spent(total) - max)) / max;
  t.diagnostic(`${team}: ${asked} requests, ${calls} calls: ${JSON.stringify(Object.fromEntries(outcomes))}`);
  t.diagnostic(`${team}: spent ${spent(total)} of ${max}, overspend ${overspend} %`);
  assert.equal(overspend, 0);
  assert.ok(spent(total) > 0.9 * max, 'and it can be used up');
  assert.ok(issued.totalTokens + unfinished.totalTokens <= total.tokens, 'no call cost more than the ledger says');
  assert.ok((outcomes.get('length') ?? 0) > 0, 'answers were cut to what was granted');
  assert.ok((outcomes.get('rate_limit_exceeded') ?? 0) > 0, 'more was asked for than was left');
}

test('tokens: 200 parallel requests, JSON and streams, while calls fail', (t) =>
  spendAll(t, 'engineering', ({ tokens }) => tokens, tokensMax));

test('cost: the same', (t) => spendAll(t, 'product', ({ nanoUsd }) => nanoUsd, nanoUsdMax));

test('callers are told what they were granted, and an answer that was cut is nobody else’s', async () => {
  const { key } = await system.createKey('sales', 'strict');
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: key, maxRetries: 0 });
  const simulator = await system.simulator();
  await simulator.reset();
  const say = (content: string, more: object = {}) =>
    client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }], ...more }).withResponse();
  const header = ({ response }: Awaited<ReturnType<typeof say>>, name: string) => response.headers.get(name);

  const short = await say('Repeat: short', { max_tokens: 100 });
  assert.deepEqual([header(short, 'x-tollgate-max-output-tokens'), header(short, 'x-cache-status')], [null, 'MISS']);
  const open = await say('Repeat: open');
  assert.equal(header(open, 'x-tollgate-max-output-tokens'), '4096');
  const again = await say('Repeat: open');
  assert.deepEqual([header(again, 'x-tollgate-max-output-tokens'), header(again, 'x-cache-status')], [null, 'HIT']);
  for (const _ of [1, 2]) {
    const cut = await say('Write 6000 words about limits');
    assert.equal(cut.data.choices[0]?.finish_reason, 'length');
    assert.equal(header(cut, 'x-cache-status'), 'MISS');
  }
  const sent = (await simulator.calls()).map(
    ({ body }) => JSON.parse(body) as { max_tokens?: number; max_completion_tokens?: number },
  );
  assert.deepEqual(
    sent.map(({ max_tokens, max_completion_tokens }) => [max_tokens, max_completion_tokens]),
    [
      [100, undefined],
      [undefined, 4096],
      [undefined, 4096],
      [undefined, 4096],
    ],
  );
  await assert.rejects(
    say('Look it up', { web_search_options: {} }),
    (error) => error instanceof OpenAI.APIError && error.status === 400 && error.param === 'web_search_options',
  );
  await assert.rejects(
    client.responses.create({ model: 'gpt-4o', input: 'Go on', previous_response_id: 'resp_1' }),
    /previous_response_id/,
  );
});
