import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt, Reservation, Surface, type Target } from '@tollgate/contracts';
import type { ExtensionAnswer } from '../adapters/extensions.ts';
import { Hedging } from './hedging.ts';
import type { Run } from './run.ts';

const hedge = { afterMs: 100, maxShare: 0.5 };
const priceOf = (dollars: number) => ({ promptNanoPerMillion: dollars * 1e9, completionNanoPerMillion: 0 });

/** As much of a request as decides, under limits on these quantities. */
function run(quantities: readonly string[] = [], second = 'cheap'): Run {
  const reservations = quantities.map((quantity) => ({ ...Reservation.decode(new Uint8Array()), quantity }));
  const rotation = { kind: 'modelRotation', hedge };
  return {
    row: { receipt: { ...Receipt.decode(new Uint8Array()), reservations, estimatedPromptTokens: 1000 } },
    dispatch: {
      ...{ surface: Surface.CHAT_COMPLETIONS, proxyId: 'sample.chat', attemptsMax: 3 },
      targets: [{ baseModel: 'cheap' } as Target, { baseModel: second } as Target],
    },
    snapshot: {
      prices: { cheap: priceOf(1), dear: priceOf(3) },
      providers: [],
      projects: [{ teams: [], proxies: [{ id: 'sample.chat', guardrails: [rotation] }] }],
    },
  } as unknown as Run;
}

/** Two requests, so that there is room for one hedge. */
function withRoom(): { hedging: Hedging; told: string[] } {
  const told: string[] = [];
  const hedging = new Hedging((outcome) => told.push(outcome));
  for (const _ of [1, 2]) assert.deepEqual(hedging.hedgeOf(run()), hedge);
  return { hedging, told };
}

const never = () => assert.fail('nothing is to be reserved');

test('where no limit counts what a second call uses nobody is asked', async () => {
  for (const quantities of [[], ['requests', 'concurrency']]) {
    assert.equal(await withRoom().hedging.allows(run(quantities), hedge, never), true);
  }
});

test('where one does it is asked for, within the share only', async () => {
  const { hedging, told } = withRoom();
  const answers: ExtensionAnswer[] = ['refused', 'unanswered', 'granted'];
  const extend = async () => answers.shift() ?? never();
  const allowed = [];
  for (const quantity of ['tokens', 'cost_nano_usd', 'prompt_tokens', 'tokens'])
    allowed.push(await hedging.allows(run(['requests', quantity]), hedge, extend));
  assert.deepEqual(allowed, [false, false, true, false], 'what was not used of the share is there again');
  assert.deepEqual(told, ['refused', 'uncovered', 'over_share']);
  hedging.sent();
  assert.equal(told.at(-1), 'sent');
});

test('a second call that may go to a dearer model needs as much more room', async () => {
  const { hedging, told } = withRoom();
  assert.equal(await hedging.allows(run([], 'dear'), hedge, never), false);
  assert.deepEqual(told, ['over_share']);
  for (let more = 0; more < 4; more++) hedging.hedgeOf(run());
  assert.equal(await hedging.allows(run([], 'dear'), hedge, never), true);
});
