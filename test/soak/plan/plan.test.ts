import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longPlan, probePlan, requestPlan } from './request-plan.ts';
import { schedule, type Victim } from './schedule.ts';
import { ticketIn, ticketOf } from './ticket.ts';

const options = { seed: 11, kills: 30, gapMs: 1000 };
const load = (seed: number, count: number) =>
  Array.from({ length: count }, (_, number) => requestPlan(seed, number, 20));

test('the same seed is the same schedule and the same load; another one is another', () => {
  assert.deepEqual(schedule(options), schedule(options));
  assert.notDeepEqual(schedule(options), schedule({ ...options, seed: 12 }));
  assert.deepEqual(load(11, 200), load(11, 200));
  assert.notDeepEqual(load(11, 200), load(12, 200));
});

test('a schedule has as many kills as asked for, and each round kills everybody once', () => {
  const victims = (kills: number): Victim[] =>
    schedule({ ...options, kills }).flatMap((step) => (step.do === 'kill' ? [step.victim] : []));
  assert.equal(victims(30).length, 30);
  assert.equal(victims(1).length, 1);
  assert.equal(new Set(victims(13)).size, 13);
});

test('streams that outlive a lease meet no kill that breaks them', () => {
  for (let seed = 1; seed <= 20; seed++) {
    let streaming = false;
    for (const step of schedule({ ...options, seed })) {
      if (step.do === 'long-streams') streaming = true;
      if (step.do === 'await-long-streams') streaming = false;
      if (step.do === 'kill' && streaming) assert.doesNotMatch(step.victim, /^(ingress|upstream|nats|redis)$/);
    }
  }
});

test('a load has every kind, at the rate that was asked for, and no ticket twice but of repeated questions', () => {
  const plans = load(3, 5000);
  const kinds = Map.groupBy(plans, ({ kind }) => kind);
  assert.deepEqual([...kinds.keys()].sort(), ['broken', 'failover', 'json', 'leaving', 'narrow', 'repeated', 'stream']);
  for (const of of kinds.values()) assert.ok(of.length > 100);
  const seconds = plans.reduce((sum, { gapMs }) => sum + gapMs, 0) / 1000;
  assert.ok(Math.abs(plans.length / seconds - 20) < 1);
  const once = [...plans.filter(({ kind }) => kind !== 'repeated'), longPlan(3, 0), longPlan(3, 1), probePlan(3, 0)];
  assert.equal(new Set(once.map(({ ticket }) => ticket)).size, once.length);
  const texts = Map.groupBy(kinds.get('repeated') ?? [], ({ ticket }) => ticket);
  for (const of of texts.values())
    assert.equal(new Set(of.map(({ text, contextBytes }) => `${text} ${contextBytes}`)).size, 1);
});

test('a ticket is found in a text', () => {
  assert.equal(ticketIn(`{"content":"Repeat ${ticketOf(12_345)} word"}`), ticketOf(12_345));
  assert.equal(ticketIn('no such word'), undefined);
});
