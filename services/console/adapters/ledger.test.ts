import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { Ledger, type Question } from './ledger.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
let nowMs = 0;
const ledgerOf = () =>
  new Ledger({ url: 'http://127.0.0.1:1', logger, metrics: createMetrics('test'), now: () => nowMs });

/** Never answered: ends when its time is over. */
const silent = async (_: unknown, signal: AbortSignal): Promise<never> => {
  await once(signal, 'abort');
  throw signal.reason;
};
const question: Question = { name: 'usage', timeoutMs: 1 };

async function faultOf(asked: Promise<unknown>): Promise<TollgateError> {
  const fault = await asked.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  assert.ok(fault instanceof TollgateError);
  return fault;
}

test('a ledger that is silent is not asked any more, for some seconds', async () => {
  const ledger = ledgerOf();
  for (let times = 0; times < 3; times++)
    assert.match((await faultOf(ledger.ask(question, silent))).message, /did not answer within 0.001 s/);
  let asked = 0;
  const answer = async () => ++asked;
  nowMs += 2000;
  const fault = await faultOf(ledger.ask(question, answer));
  assert.deepEqual([fault.code, fault.retryAfterMs, asked], ['store_unavailable', 3000, 0]);
  assert.match(fault.message, /several times in a row/);
  nowMs += 3000;
  assert.equal(await ledger.ask(question, answer), 1);
  assert.equal(await ledger.ask(question, answer), 2);
  await ledger.close();
});

test('slow statements of callers, and callers who leave, say nothing of the ledger', async () => {
  const ledger = ledgerOf();
  const left = AbortSignal.abort();
  for (let times = 0; times < 4; times++) {
    await faultOf(ledger.ask({ ...question, name: 'sql', ownStatement: true }, silent));
    await faultOf(ledger.ask({ ...question, left }, () => Promise.reject(left.reason)));
  }
  assert.equal(await ledger.ask(question, async () => 'there'), 'there');
  await ledger.close();
});
