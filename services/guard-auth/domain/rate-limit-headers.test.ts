import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowBounds } from '@tollgate/config';
import { limit, snapshot, tokenLimit } from '../testing/harness.ts';
import { limitsOf } from './limits.ts';
import { planCharges } from './plan.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56, 400);
const need = { promptTokens: 1, completionTokens: 1, guessed: false, costNanoUsd: 2, promptCostNanoUsd: 1 };

function headers(limits: Parameters<typeof snapshot>[0], ...spent: number[]): Record<string, string> {
  const plan = planCharges(
    limitsOf(snapshot(limits), 'sample.engineering'),
    need,
    { keyId: 'k', user: '', metadata: {} },
    ({ window, timeZone }) => windowBounds(window, timeZone, atMs),
  );
  return rateLimitHeaders(
    plan,
    spent.map((tokens) => ({ spent: tokens, reserved: 10 })),
    atMs,
  );
}

test('tells the tightest limit as OpenAI does and all of them as the IETF draft does', () => {
  assert.deepEqual(headers({ team: [tokenLimit(1000, '1h'), tokenLimit(5000, '1d')] }, 100, 4500), {
    'x-ratelimit-limit-tokens': '5000',
    'x-ratelimit-remaining-tokens': '490',
    'x-ratelimit-reset-tokens': '11h25m4s',
    'ratelimit-policy': '"team-tokens-1h";q=1000;qu="tokens";w=3600, "team-tokens-1d";q=5000;qu="tokens";w=86400',
    ratelimit: '"team-tokens-1h";r=890;t=1504, "team-tokens-1d";r=490;t=41104',
  });
});

test('says nothing of what a project or an organization has left', () => {
  assert.deepEqual(headers({ project: [tokenLimit(1000)], organization: [tokenLimit(1000)] }, 1, 2), {});
});

test('is never below zero, and two limits of one window have two names', () => {
  const told = headers({ team: [tokenLimit(1000, '1d'), tokenLimit(2000, '1d', 'Asia/Tokyo')] }, 4000, 0);
  assert.equal(told['x-ratelimit-remaining-tokens'], '0');
  assert.match(told.ratelimit ?? '', /^"team-tokens-1d";r=0;t=\d+, "team-tokens-1d-1";r=1990;t=\d+$/);
});

test('requests and cost have their units; OpenAI knows only requests and tokens', () => {
  const limits = [
    limit({ quantity: 'requests', amount: 50, window: '1m' }),
    limit({ quantity: 'cost_nano_usd', amount: 5e9, window: '1d' }),
  ];
  assert.deepEqual(headers({ team: limits }, 20, 4e9), {
    'x-ratelimit-limit-requests': '50',
    'x-ratelimit-remaining-requests': '20',
    'x-ratelimit-reset-requests': '4s',
    'ratelimit-policy': '"team-requests-1m";q=50;qu="requests";w=60, "team-cost-1d";q=5000000;qu="micro-usd";w=86400',
    ratelimit: '"team-requests-1m";r=20;t=4, "team-cost-1d";r=999999;t=41104',
  });
});

test('the largest limits are told as they are', () => {
  const dollars = limit({ quantity: 'cost_nano_usd', amount: 9e15, window: '1d' });
  const told = headers({ team: [dollars, tokenLimit(1e12, '1d')] }, 1e9, 0);
  assert.match(told['ratelimit-policy'] ?? '', /"team-cost-1d";q=9000000000000;.*"team-tokens-1d";q=1000000000000;/);
  assert.match(told.ratelimit ?? '', /"team-cost-1d";r=8999998999999;.*"team-tokens-1d";r=999999999990;/);
});

test('slots have no window and no reset', () => {
  assert.deepEqual(headers({ team: [limit({ quantity: 'concurrency', amount: 50, window: '' })] }, 0), {
    'ratelimit-policy': '"team-concurrent-requests";q=50;qu="concurrent-requests"',
    ratelimit: '"team-concurrent-requests";r=40',
  });
});

test('limits that refuse nobody are no rate limits', () => {
  assert.deepEqual(headers({ team: [limit({ mode: 'soft' }), limit({ mode: 'shadow', window: '1d' })] }, 1, 1), {});
});
