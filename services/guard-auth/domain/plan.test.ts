import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Limit, windowBounds } from '@tollgate/config';
import * as given from '../testing/harness.ts';
import { type Caller, limitsOf } from './limits.ts';
import { passedLimits } from './passed-limits.ts';
import { type Need, neverFits, type Plan, planCharges, refusalOf } from './plan.ts';
import { limitRefusal, neverFitsRefusal } from './refusal.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56);
const costs = { costNanoUsd: 700, promptCostNanoUsd: 300 };
const asked: Need = { promptTokens: 60, completionTokens: 40, guessed: false, ...costs };

const nobody: Caller = { keyId: 'key-1', user: '', metadata: {} };

function plan(limits: Parameters<typeof given.snapshot>[0], estimate = asked, caller = nobody): Plan {
  const boundsOf = ({ window, timeZone }: Limit) => windowBounds(window, timeZone, atMs);
  return planCharges(limitsOf(given.snapshot(limits), 'sample.engineering'), estimate, caller, boundsOf);
}

describe('charges', () => {
  test('one for each scope and window, in the window of that moment', () => {
    const { charges } = plan({
      team: [given.tokenLimit(1000, '1h')],
      organization: [given.tokenLimit(9000, '1d', 'Europe/Berlin')],
    });
    assert.deepEqual(
      charges.map(({ reservation, limit }) => ({ ...reservation, limit })),
      [
        {
          scope: 'team',
          scopeId: 'sample.engineering',
          quantity: 'tokens',
          window: '1h',
          windowStartMs: Date.UTC(2026, 6, 15, 12),
          windowEndMs: Date.UTC(2026, 6, 15, 13),
          amount: 100,
          models: [],
          selector: '',
          value: '',
          rate: undefined,
          strictLimit: undefined,
          limit: 1000,
        },
        {
          scope: 'organization',
          scopeId: 'acme',
          quantity: 'tokens',
          window: '1d',
          windowStartMs: Date.UTC(2026, 6, 14, 22),
          windowEndMs: Date.UTC(2026, 6, 15, 22),
          amount: 100,
          models: [],
          selector: '',
          value: '',
          rate: undefined,
          strictLimit: undefined,
          limit: 9000,
        },
      ],
    );
  });

  test('two limits on one counter are charged once, the smaller binds', () => {
    const { charges, checks } = plan({
      team: [given.tokenLimit(1000, '1h'), given.tokenLimit(500, '1h', 'Europe/Berlin')],
    });
    assert.equal(charges.length, 1);
    assert.equal(charges[0]?.limit, 500);
    assert.equal(checks.length, 2);
  });

  test('a guess takes at most a twentieth of a limit, what the caller asked for all of it', () => {
    const guess: Need = { promptTokens: 60, completionTokens: 1024, guessed: true, ...costs };
    assert.equal(plan({ team: [given.tokenLimit(2000)] }, guess).charges[0]?.reservation.amount, 160);
    assert.equal(plan({ team: [given.tokenLimit(1e6)] }, guess).charges[0]?.reservation.amount, 1084);
    assert.equal(
      plan({ team: [given.tokenLimit(2000)] }, { ...guess, guessed: false }).charges[0]?.reservation.amount,
      1084,
    );
  });

  test('each quantity reserves what the request is assumed to need of it', () => {
    const limits = (['prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'] as const).map((quantity) =>
      given.limit({ quantity, amount: 1000 }),
    );
    const amounts = (need: Need) => plan({ team: limits }, need).charges.map(({ reservation }) => reservation.amount);
    assert.deepEqual(amounts(asked), [60, 40, 700, 1]);
    assert.deepEqual(amounts({ ...asked, completionTokens: 500, guessed: true }), [60, 50, 350, 1]);
  });

  test('limits on other models have counters of their own', () => {
    const on = (models: string[]) => given.limit({ models });
    const { charges } = plan({ team: [given.tokenLimit(9), on(['a', 'b']), on(['a']), on(['a'])] });
    assert.deepEqual(
      charges.map(({ reservation }) => reservation.models),
      [[], ['a', 'b'], ['a']],
    );
    assert.equal(new Set(charges.map(({ reservation }) => reservation.selector)).size, 3);
  });

  test('whoever is counted apart has a value, whoever says none has not', () => {
    const limits = ['key', 'user', 'metadata.ticket'].map((per) => given.limit({ per, valuesMax: 5 }));
    const values = (caller: Caller) =>
      plan({ team: limits }, asked, caller).charges.map(({ reservation, valuesMax }) => [reservation.value, valuesMax]);
    const [key, ...others] = values(nobody);
    assert.match(String(key?.[0]), /^[\w-]{16}$/);
    assert.deepEqual(others, [
      ['', undefined],
      ['', undefined],
    ]);
    const caller = { keyId: 'key-1', user: 'ann', metadata: { ticket: '7', toString: 'x' } };
    assert.equal(new Set(values(caller).map(String)).size, 3);
    assert.deepEqual(values({ ...caller, user: 'bob' })[2], values(caller)[2]);
    assert.notDeepEqual(values({ ...caller, user: 'bob' })[1], values(caller)[1]);
    const inherited = plan({ team: [given.limit({ per: 'metadata.constructor', valuesMax: 5 })] }, asked, caller);
    assert.equal(inherited.charges[0]?.reservation.value, '');
  });

  test('no limits, no charges', () => {
    assert.deepEqual(plan({}), { checks: [], charges: [] });
  });
});

describe('refusals', () => {
  test('a request larger than a whole limit never fits', () => {
    const tooLarge = neverFits(plan({ team: [given.tokenLimit(1000)], project: [given.tokenLimit(99)] }));
    assert.equal(tooLarge?.limit.scope, 'project');
    assert.equal(neverFits(plan({ team: [given.tokenLimit(100)] })), undefined);
    const error = tooLarge && neverFitsRefusal(tooLarge);
    assert.equal(error?.code, 'request_exceeds_limit');
    assert.match(error?.message ?? '', /up to 100 tokens; the whole budget of project sample is 99 tokens for 1h/);
  });

  test('of several spent limits the one that resets last is told, with its exact moment', () => {
    const both = plan({ team: [given.tokenLimit(1000, '1h'), given.tokenLimit(1000, '1d')] });
    const counters = [
      { spent: 950, reserved: 0 },
      { spent: 950, reserved: 0 },
    ];
    const refusal = refusalOf(both, counters);
    assert.ok(refusal);
    const error = limitRefusal(refusal, atMs);
    assert.equal(error.code, 'budget_exceeded');
    assert.equal(error.retryAfterMs, Date.UTC(2026, 6, 16) - atMs);
    assert.match(error.message, /team engineering for 1d .* will reset at 2026-07-16T00:00:00\.000Z$/);
  });

  test('a limit that only running requests hold is not called spent', () => {
    const one = plan({ team: [given.tokenLimit(1000)] });
    const refusal = refusalOf(one, [{ spent: 500, reserved: 450 }]);
    assert.equal(refusal?.spent, false);
    const error = refusal && limitRefusal(refusal, atMs);
    assert.equal(error?.code, 'rate_limit_exceeded');
    assert.equal(error?.retryAfterMs, 1000);
  });

  test('a spent limit is told before one that is only held', () => {
    const both = plan({ team: [given.tokenLimit(1000, '1d'), given.tokenLimit(1000, '1h')] });
    const refusal = refusalOf(both, [
      { spent: 0, reserved: 950 },
      { spent: 950, reserved: 0 },
    ]);
    assert.deepEqual([refusal?.spent, refusal?.check.limit.limit.window], [true, '1h']);
  });

  test('requests that run count as those that ended: nothing of them is given back', () => {
    const one = plan({ team: [given.limit({ quantity: 'requests', amount: 5 })] });
    const refusal = refusalOf(one, [{ spent: 2, reserved: 3 }]);
    const error = refusal && limitRefusal(refusal, atMs);
    assert.equal(error?.code, 'budget_exceeded');
    assert.match(error?.message ?? '', /^The requests budget of team engineering for 1h does not cover/);
  });

  test('a minute is a rate: its caller may wait', () => {
    const one = plan({ team: [given.limit({ quantity: 'requests', amount: 5, window: '1m' })] });
    const refusal = refusalOf(one, [{ spent: 5, reserved: 0 }]);
    const error = refusal && limitRefusal(refusal, atMs);
    assert.deepEqual([error?.code, error?.retryAfterMs], ['rate_limit_exceeded', 4000]);
    assert.match(error?.message ?? '', /requests limit of team engineering for 1m is reached. Try again in 4 s/);
  });

  test('slots that are taken are told as such, behind any budget that is spent', () => {
    const limits = [given.limit({ quantity: 'concurrency', amount: 2, window: '' }), given.tokenLimit(1000)];
    const slots = { spent: 0, reserved: 2 };
    const taken = refusalOf(plan({ team: limits }), [slots, { spent: 0, reserved: 0 }]);
    const error = taken && limitRefusal(taken, atMs);
    assert.deepEqual([error?.code, error?.retryAfterMs], ['concurrency_exceeded', 1000]);
    assert.match(error?.message ?? '', /limit of 2 requests at the same time of team engineering is reached/);
    const spent = refusalOf(plan({ team: limits }), [slots, { spent: 950, reserved: 0 }]);
    assert.equal(spent?.check.limit.limit.quantity, 'tokens');
  });

  test('money is told in dollars', () => {
    const tooLarge = neverFits(plan({ team: [given.limit({ quantity: 'cost_nano_usd', amount: 600 })] }));
    assert.match(
      (tooLarge && neverFitsRefusal(tooLarge))?.message ?? '',
      /up to 0\.0000007 US dollars; the whole budget of team engineering is 0\.0000006 US dollars for 1h/,
    );
  });

  test('what fits exactly is not refused', () => {
    assert.equal(refusalOf(plan({ team: [given.tokenLimit(1000)] }), [{ spent: 800, reserved: 100 }]), undefined);
  });
});

describe('limits that refuse nobody', () => {
  const soft = given.limit({ mode: 'soft', amount: 150 });
  const shadow = given.limit({ mode: 'shadow', amount: 99 });

  test('have no part in refusals, and are passed when more is charged than they allow', () => {
    const both = plan({ team: [soft], project: [shadow] });
    assert.equal(neverFits(both), undefined);
    const counters = [
      { spent: 900, reserved: 100 },
      { spent: 0, reserved: 100 },
    ];
    assert.equal(refusalOf(both, counters), undefined);
    assert.deepEqual(passedLimits(both, counters), {
      hits: { 'soft.team-tokens-1h': 1, 'shadow.project-tokens-1h': 1 },
      headers: { 'x-tollgate-limit-exceeded': 'team-tokens-1h' },
    });
    counters[0] = { spent: 50, reserved: 100 };
    assert.deepEqual(passedLimits(both, counters), { hits: { 'shadow.project-tokens-1h': 1 }, headers: {} });
  });

  test('leave a hard limit on the same counter its own amount', () => {
    const { charges } = plan({ team: [soft, given.tokenLimit(700), shadow] });
    assert.deepEqual(
      charges.map(({ limit }) => limit),
      [700],
    );
    assert.deepEqual(
      plan({ team: [soft] }).charges.map(({ limit }) => limit),
      [Number.MAX_SAFE_INTEGER],
    );
  });
});

describe('strict', () => {
  const bound = {
    ...{ promptTokens: 300, promptCostNanoUsd: 5000, choices: 2, tokenCostNanoUsd: 70 },
    ...{ outputTokensMax: 400, outputTokensMin: 16 },
  };
  const need: Need = { ...asked, bound };
  const strict = (amount: number, change: Partial<Limit> = {}) => given.limit({ amount, mode: 'strict', ...change });
  const parts = ({ charges }: Plan) =>
    charges.map(({ part, limit, reservation }) => [part, limit, reservation.amount, reservation.strictLimit]);

  test('a strict limit has its bound as a part, and the least of it as amount; others keep to their estimates', () => {
    const made = plan(
      {
        team: [strict(9000), given.tokenLimit(8000, '1d')],
        organization: [given.limit({ quantity: 'requests', amount: 9 })],
      },
      need,
    );
    assert.equal(made.bound, bound);
    assert.deepEqual(parts(made), [
      [{ fixed: 300, unit: 2 }, 9000, 332, 9000],
      [{ fixed: 60, unit: 2, most: 100 }, 8000, 92, undefined],
      [{ fixed: 1, unit: 0, most: 1 }, 9, 1, undefined],
    ]);
  });

  test('without one nothing is bounded', () => {
    const made = plan({ team: [given.tokenLimit(9000)] }, need);
    assert.deepEqual([made.bound, parts(made)], [undefined, [[undefined, 9000, 100, undefined]]]);
  });

  test('on the counter of a hard limit the bound is held, and the smaller of both is never passed', () => {
    for (const team of [
      [strict(9000), given.tokenLimit(8000)],
      [given.tokenLimit(8000), strict(9000)],
    ]) {
      const made = plan({ team }, need);
      assert.deepEqual(parts(made), [[{ fixed: 300, unit: 2 }, 8000, 332, 9000]]);
    }
    const soft = plan(
      {
        team: [
          given.limit({ mode: 'soft', amount: 5 }),
          given.limit({ mode: 'shadow', amount: 9 }),
          strict(9000, { window: '1d' }),
        ],
      },
      need,
    );
    assert.deepEqual(parts(soft)[0]?.[0], { fixed: 60, unit: 2, most: 100 });
  });

  test('even the least that is of use never fits into a small one', () => {
    assert.equal(neverFits(plan({ team: [strict(332)] }, need)), undefined);
    const tooLarge = neverFits(plan({ team: [strict(331)] }, need));
    assert.ok(tooLarge);
    assert.match(neverFitsRefusal(tooLarge).message, /may use up to 332 tokens; the whole budget .* is 331 tokens/);
  });

  test('a strict limit refuses as a hard one does', () => {
    const made = plan({ team: [strict(1000)] }, need);
    assert.equal(refusalOf(made, [{ spent: 668, reserved: 0 }]), undefined);
    assert.equal(refusalOf(made, [{ spent: 669, reserved: 0 }])?.spent, true);
    assert.equal(refusalOf(made, [{ spent: 600, reserved: 69 }])?.spent, false);
  });
});
