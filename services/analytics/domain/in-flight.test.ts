import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageEvent } from '@tollgate/contracts';
import { usageEvent } from '../testing/events.ts';
import { type Charge, counterName, InFlight } from './in-flight.ts';

const [reservation] = usageEvent('r').receipt?.reservations ?? [];
assert.ok(reservation);
const counter = counterName(reservation);
const guess: Charge = {
  version: 1,
  promptTokens: 400,
  completionTokens: 100,
  costNanoUsd: 9,
  requests: 1,
  model: 'gpt-4o',
};

function inFlight(events: [seq: number, event: UsageEvent][], counted: Record<string, Charge> = {}, settledSeq = 5) {
  const all = new InFlight({ organizationId: 'o-1', settledSeq, counted: new Map(Object.entries(counted)) });
  for (const [seq, event] of events)
    all.add({ seq, redelivered: false, batch: { batchId: '', replica: '', events: [event] } });
  return all.bounds(counter, 'tokens');
}

describe('what is in flight', () => {
  it('is one number where all of it is settled, and two where some of it may be', () => {
    assert.deepEqual(inFlight([]), { low: 0, high: 0 });
    assert.deepEqual(inFlight([[5, usageEvent('a')]]), { low: 120, high: 120 });
    const both = inFlight([
      [5, usageEvent('a')],
      [6, usageEvent('b')],
    ]);
    assert.deepEqual(both, { low: 120, high: 240 });
  });

  it('counts a request once, its newest version, and only the difference to what the sums have', () => {
    const abandoned = usageEvent('a', {
      version: 1,
      billed: { prompt: 400, completion: 100, cachedPrompt: 0, reasoning: 0 },
    });
    const versions: [number, UsageEvent][] = [
      [3, abandoned],
      [4, usageEvent('a')],
      [5, abandoned],
    ];
    assert.deepEqual(inFlight(versions), { low: 120, high: 120 });
    assert.deepEqual(inFlight(versions, { a: guess }), { low: -380, high: -380 });
    assert.deepEqual(inFlight([[6, usageEvent('a')]], { a: guess }), { low: -380, high: 0 });
    assert.deepEqual(inFlight([[5, abandoned]], { a: guess }), { low: 0, high: 0 });
  });

  it('counts a request once in a limit of requests, and for some models what these served', () => {
    const some = { ...reservation, quantity: 'requests', selector: 'm-1', models: ['gpt-4o'] };
    const receipt = { reservations: [some] };
    const all = new InFlight({ organizationId: 'o-1', settledSeq: 5, counted: new Map() });
    const served = (id: string, model: string, version = 3) => usageEvent(id, { model, version }, receipt);
    const events = [served('a', 'gpt-4o', 1), served('a', 'gpt-4o'), served('b', 'mini'), served('c', '')];
    for (const event of events)
      all.add({ seq: 5, redelivered: false, batch: { batchId: '', replica: '', events: [event] } });
    assert.deepEqual(all.bounds(counterName(some), 'requests', ['gpt-4o']), { low: 2, high: 2 });
    assert.deepEqual(all.bounds(counterName(some), 'requests'), { low: 3, high: 3 });
  });

  it('leaves out what reserved nothing, elsewhere or for a single value, or is another organization’s', () => {
    const elsewhere = { ...reservation, windowStartMs: 1 };
    const ofOneUser = { ...reservation, selector: 'per:user', value: 'u-1' };
    const events = [
      usageEvent('a', {}, { reservations: [] }),
      usageEvent('d', {}, { reservations: [ofOneUser] }),
      usageEvent('b', {}, { reservations: [elsewhere] }),
      usageEvent('c', {}, { organizationId: 'o-2' }),
    ];
    assert.deepEqual(inFlight(events.map((event) => [5, event])), { low: 0, high: 0 });
  });
});
