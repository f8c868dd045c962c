import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { usageConsumers } from '@tollgate/bus';
import { Receipt, RequestStatus, type Reservation, type UsageEvent } from '@tollgate/contracts';
import { missingSequences } from '@tollgate/ledger';
import { usageEvent } from './events.ts';
import type { Replica, TestSystem } from './system.ts';

interface Figures {
  requests: number;
  promptTokens: number;
  completionTokens: number;
  costNanoUsd: number;
}

export interface OutageReport {
  /** As published, and as the ledger's rows say. */
  published: Figures;
  ledger: Figures & { uniqueRequests: number };
  /** Messages of USAGE that no row came with. */
  missing: number;
  messages: number;
  /** Of USAGE on disk when ClickHouse came back. */
  streamBytes: number;
  /** Sequences acknowledged by analytics when ClickHouse went, and when it came back. */
  ackFloorAtStop: number;
  ackFloorAtReturn: number;
  /** Of analytics, bytes. */
  rss: { before: number; maxWhileAway: number; maxCatchingUp: number };
  publishSeconds: number;
  catchUpSeconds: number;
}

/** Of one step of publishing; a turn of the event loop has one batch, as in a busy gateway. */
const EVENTS_A_TURN_MAX = 3;
const PENDING_MAX = 2000;
const RSS_EVERY_MS = 100;

/**
 * ClickHouse away while `events` requests end: their usage goes into JetStream by the batches of a gateway, as fast as JetStream takes it; then
 * ClickHouse is started again and analytics left alone. One request in a hundred is told twice, as abandoned first.
 */
export async function outage(
  system: TestSystem,
  replica: Replica,
  events: number,
  say: (line: string) => void = () => {},
): Promise<OutageReport> {
  const published: Figures = { requests: 0, promptTokens: 0, completionTokens: 0, costNanoUsd: 0 };
  const publish = async (count: number) => {
    for (let made = 0; made < count; ) {
      const turn = Math.min(count - made, 1 + (published.requests % EVENTS_A_TURN_MAX));
      for (let at = 0; at < turn; at++) publishOne(system, published);
      made += turn;
      await new Promise((resolve) => setImmediate(resolve));
      while (system.bus.usage.pending > PENDING_MAX) await delay(1);
      if (made % 100_000 < turn && made >= 100_000) say(`${made} events published`);
    }
    if (!(await system.bus.usage.flush(60_000))) throw new Error('JetStream did not acknowledge all usage');
  };

  // A process that has worked before: what it needs once is not taken for what the outage costs.
  const warmUp = Math.min(5000, events);
  await publish(warmUp);
  await untilAcknowledged(system);
  const memory = watchMemory(replica);
  await memory.next();
  const before = memory.take();
  const ackFloorAtStop = await system.bus.usageAckFloor(usageConsumers.ledger);
  await system.engines.clickhouse.stop();
  const publishedFromMs = Date.now();
  await publish(events);
  const publishSeconds = (Date.now() - publishedFromMs) / 1000;
  await memory.next();
  const maxWhileAway = memory.take();
  const ackFloorAtReturn = await system.bus.usageAckFloor(usageConsumers.ledger);
  const { lastSeq, bytes } = await system.bus.usageState();
  say(`${events} events in ${publishSeconds.toFixed(0)} s, ${(bytes / 2 ** 20).toFixed(0)} MiB in USAGE`);

  await system.engines.clickhouse.start();
  const backAtMs = Date.now();
  await untilAcknowledged(system, (floor) => say(`${floor} of ${lastSeq} messages in the ledger`));
  const catchUpSeconds = (Date.now() - backAtMs) / 1000;
  const maxCatchingUp = memory.take();
  await memory.stop();

  const [row] = await system.ledger.rows<Figures & { uniqueRequests: number }>(
    `SELECT count() AS requests, uniqExact(request_id) AS uniqueRequests, sum(prompt_tokens) AS promptTokens,
       sum(completion_tokens) AS completionTokens, sum(cost_nano_usd) AS costNanoUsd FROM usage`,
  );
  if (!row) throw new Error('ClickHouse answered a query for one row with none');
  const { missing, first } = await missingSequences(system.ledger, { fromSeq: 1, toSeq: lastSeq }, 1000);
  // One whose only event was replaced may be merged away.
  const replaced = await Promise.all(first.map((seq) => isReplaced(system, seq)));
  return {
    ...{ published, ledger: row, missing: missing - replaced.filter(Boolean).length, messages: lastSeq },
    ...{ streamBytes: bytes, ackFloorAtStop, ackFloorAtReturn },
    ...{ rss: { before, maxWhileAway, maxCatchingUp }, publishSeconds, catchUpSeconds },
  };
}

function publishOne(system: TestSystem, published: Figures): void {
  const number = published.requests++;
  const id = number.toString(16).padStart(32, '0');
  const billed = {
    prompt: 200 + (number % 1800),
    completion: 20 + (number % 480),
    cachedPrompt: number % 100,
    reasoning: 0,
  };
  const costNanoUsd = billed.prompt * 2500 + billed.completion * 10_000;
  if (number % 100 === 0) {
    const more = {
      version: 1,
      status: RequestStatus.ABANDONED,
      attempts: [],
      estimated: true,
      costNanoUsd: 90_000_000,
    };
    system.bus.usage.publish(realistic(id, number, more));
  }
  system.bus.usage.publish(realistic(id, number, { billed, served: billed, costNanoUsd }));
  published.promptTokens += billed.prompt;
  published.completionTokens += billed.completion;
  published.costNanoUsd += costNanoUsd;
}

/** 500 requests a second from here on. */
const FIRST_MS = Date.UTC(2026, 9, 20, 12);

/** As long as a gateway's event is: four limits, metadata, an attempt, times of all stages. */
function realistic(id: string, number: number, more: Partial<UsageEvent>): UsageEvent {
  const team = number % 40;
  const reservation = (scope: string, scopeId: string, quantity: string, window: string): Reservation => ({
    ...{ scope, scopeId, quantity, window, amount: 1500 + (number % 1000), models: [], selector: '', value: '' },
    ...{ windowStartMs: Date.UTC(2026, 9, 20), windowEndMs: Date.UTC(2026, 9, 21) },
  });
  const teamId = `sample-project.team-${team}`;
  const receipt: Receipt = {
    ...Receipt.decode(new Uint8Array(0)),
    ...{ requestId: id, organizationId: 'sampleorganization', organization: 'sampleorganization' },
    ...{ projectId: 'sample-project', project: 'sample-project', teamId, team: `team-${team}` },
    ...{ keyId: `key_${String(number % 400).padStart(20, '0')}`, startedAtMs: FIRST_MS + number * 2, revision: 12 },
    ...{ estimatedPromptTokens: 700, estimatedCompletionTokens: 900 },
    reservations: [
      reservation('team', teamId, 'tokens', '1d'),
      reservation('team', teamId, 'cost_nano_usd', '1mo'),
      reservation('project', 'sample-project', 'tokens', '1d'),
      reservation('organization', 'sampleorganization', 'cost_nano_usd', '1mo'),
    ],
  };
  const attempt = { provider: 'azure-openai', model: 'gpt-4o', deployment: 'gpt-4o', httpStatus: 200, code: '' };
  return usageEvent(id, {
    ...{
      receipt,
      proxy: 'enterprise-llm-proxy',
      provider: 'azure-openai',
      modelRequested: 'gpt-4o',
      baseModel: 'gpt-4o',
    },
    ...{ clientRequestId: `client-${number}`, priceListVersion: '2026-10', stream: number % 2 === 0 },
    attempts: [
      { ...attempt, latencyUs: 900_000 + (number % 100_000), tokens: more.billed, costNanoUsd: more.costNanoUsd ?? 0 },
    ],
    ...{ stageUs: { auth: 412, pii: 380, cache: 911, router: 204, upstream: 1_204_000 }, latencyMs: 1210, ttftMs: 310 },
    ...{
      metadata: { customer: `customer-${number % 500}`, feature: 'search' },
      piiEntities: number % 10 === 0 ? { EMAIL: 1 } : {},
    },
    finishedAtMs: FIRST_MS + number * 2 + 1210,
    ...more,
  });
}

async function untilAcknowledged(system: TestSystem, say: (floor: number) => void = () => {}): Promise<void> {
  const { lastSeq } = await system.bus.usageState();
  for (let floor = 0, saidAt = Date.now(); floor < lastSeq; await delay(100)) {
    floor = await system.bus.usageAckFloor(usageConsumers.ledger);
    if (Date.now() - saidAt < 10_000) continue;
    saidAt = Date.now();
    say(floor);
  }
}

/** Whether all that a message said was said anew by a later one. */
async function isReplaced(system: TestSystem, seq: number): Promise<boolean> {
  const message = await system.bus.usageMessage(seq);
  return message?.batch.events.every(({ version }) => version === 1) ?? false;
}

/** The resident memory of a replica: the largest since it was last taken. */
function watchMemory({ child }: Replica) {
  let most = 0;
  let stopped = false;
  let looked = Promise.withResolvers<void>();
  const watching = (async () => {
    for (; !stopped; await delay(RSS_EVERY_MS)) {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024);
      looked.resolve();
      looked = Promise.withResolvers();
    }
  })();
  return {
    /** Until it has looked once more. */
    next: () => looked.promise,
    take() {
      const taken = most;
      most = 0;
      return taken;
    },
    async stop() {
      stopped = true;
      await watching;
    },
  };
}
