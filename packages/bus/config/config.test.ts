// The configuration's bucket on real NATS: one writer, watchers that follow it, and one whose watch stalls.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type ConfigSnapshot, type KeyRecord, parseConfigFile, parseKeyRecord, resolveConfig } from '@tollgate/config';
import { createLogger } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { configBucket } from '../subjects.ts';
import { ensureTopology } from '../topology.ts';
import { ConfigStore } from './store.ts';
import { ConfigWatch, keys } from './watch.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const waitMsMax = 10_000;
let engines: TestEngines;
let writer: ConfigStore;
/** Across the tests: the bucket is one. */
let revision = 0;
const closing: (() => unknown)[] = [];

const file = `
organization: acme
providers: [{ name: azure, type: azure-openai, endpoint: 'https://azure.example', apiKey: { env: KEY }, models: [m] }]
priceList: { m: { prompt: 1, completion: 1 } }
projects: [{ name: p, teams: [{ name: t }], proxies: [{ name: x, context: /x, provider: azure, default: true, guardrails: [] }] }]
`;
const snapshotAt = (number: number, appliedAtMs = Date.now()): ConfigSnapshot =>
  resolveConfig(parseConfigFile(file), number, appliedAtMs);

before(async () => {
  engines = await startEngines({ only: ['nats'] });
  const nc = await connection();
  await ensureTopology(nc, { replicas: 1, usageBytesMax: 2 ** 24 });
  writer = new ConfigStore(nc);
});
afterEach(() => Promise.all(closing.splice(1).map((close) => close())));
after(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await engines.close();
});

async function connection(): Promise<NatsConnection> {
  const { user, password } = engines.nats.credentials;
  const nc = await connect({ servers: engines.nats.address, user, pass: password });
  closing.push(() => nc.close());
  return nc;
}

async function watcher(nc?: NatsConnection): Promise<ConfigWatch> {
  const watch = new ConfigWatch(nc ?? (await connection()), logger);
  closing.push(() => watch.close());
  await watch.start();
  return watch;
}

async function apply(): Promise<number> {
  await writer.apply(snapshotAt(revision + 1), revision);
  return ++revision;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const from = Date.now(); !holds(); await pause(10)) assert.ok(Date.now() - from < waitMsMax, what);
}

/** What the bucket has to say is held back between `hold` and `release`, in order; answers and heartbeats go on. */
function holdNews(nc: NatsConnection) {
  const subscribe: NatsConnection['subscribe'] = nc.subscribe.bind(nc);
  const held: (() => void)[] = [];
  let holding = false;
  nc.subscribe = (subject, options = {}) => {
    const { callback } = options;
    if (!callback) return subscribe(subject, options);
    return subscribe(subject, {
      ...options,
      callback: (error, message) => {
        const tell = () => callback(error, message);
        if (holding && message.subject.startsWith('$KV.')) held.push(tell);
        else tell();
      },
    });
  };
  return {
    hold: () => {
      holding = true;
    },
    /** All of them and no holding any more, or the first `count`. */
    release: (count?: number) => {
      if (count === undefined) holding = false;
      for (const tell of held.splice(0, count ?? held.length)) tell();
    },
    lose: () => {
      holding = false;
      held.length = 0;
    },
  };
}

function keyRecord(change: Partial<KeyRecord>): KeyRecord {
  const hash = 'a'.repeat(64);
  return parseKeyRecord(
    JSON.stringify({
      ...{ id: 'key_1', name: 'test', hash, lastFive: 'abcde', organizationId: 'acme' },
      ...{ projectId: 'p', project: 'p', teamId: 'p.t', team: 't' },
      ...{ createdAtMs: 1, ...change },
    }),
  );
}

test('what is applied is current at every watcher, and told to it once', async () => {
  const watchers = [await watcher(), await watcher()];
  const told: number[][] = watchers.map((watch) => {
    const revisions: number[] = [];
    watch.onChange((snapshot) => revisions.push(snapshot.revision));
    return revisions;
  });
  const applied = [await apply(), await apply()];
  for (const watch of watchers) await until('the second revision', () => watch.current()?.revision === applied[1]);
  assert.deepEqual(told, [applied, applied]);
  const late = await watcher();
  assert.equal(late.current()?.revision, applied[1]);
});

test('of two that apply onto the same revision one has a conflict, and nothing changes', async () => {
  const watch = await watcher();
  const others = [writer, new ConfigStore(await connection())];
  for (let round = 0; round < 10; round++) {
    const both = await Promise.allSettled(
      others.map((store, place) => store.apply(snapshotAt(revision + 1, 1000 + place), revision)),
    );
    revision++;
    const codes = both.map((one) => (one.status === 'rejected' ? one.reason.code : 'applied'));
    assert.deepEqual(codes.toSorted(), ['applied', 'conflict']);
    await until('the revision of the one that won', () => watch.current()?.revision === revision);
    assert.equal(watch.current()?.appliedAtMs, 1000 + codes.indexOf('applied'));
  }
  await assert.rejects(writer.apply(snapshotAt(revision + 1), revision - 1), { code: 'conflict' });
  assert.equal(await writer.currentRevision(), revision);
});

test('what a console wrote that was killed before it was current is in nobody’s way', async (context) => {
  const watch = await watcher();
  const kv = await new Kvm(await connection()).open(configBucket);
  await kv.put(keys.revision(revision + 1), JSON.stringify(snapshotAt(revision + 1, 7)));
  await assert.rejects(writer.apply(snapshotAt(revision + 1), revision), { code: 'conflict' }, 'it may still run');
  const now = Date.now();
  context.mock.method(Date, 'now', () => now + 11_000);
  await writer.apply(snapshotAt(revision + 1, 8), revision);
  context.mock.restoreAll();
  revision++;
  await until('its successor', () => watch.current()?.revision === revision);
  assert.equal(watch.current()?.appliedAtMs, 8);
});

test('a request finishes on its revision, also after fifteen others; one that is not there yet is waited for', async () => {
  const watch = await watcher();
  const first = await apply();
  await until('the first', () => watch.current()?.revision === first);
  const coming = watch.at(first + 1);
  assert.ok(coming instanceof Promise);
  await apply();
  assert.equal((await coming).revision, first + 1);
  for (let more = 0; more < 14; more++) await apply();
  await until('the last', () => watch.current()?.revision === first + 15);
  assert.equal((await watch.at(first)).revision, first);
  await apply();
  await until('one more', () => watch.current()?.revision === first + 16);
  await assert.rejects(async () => watch.at(first), { code: 'overloaded' });
});

test('a key that was asked for before it was made, and one that is changed', async () => {
  const watch = await watcher();
  const { hash } = keyRecord({});
  assert.equal(await watch.lookupKey(hash), undefined);
  await writer.putKey(keyRecord({}));
  await until('the key', () => watch.key(hash) !== undefined);
  await writer.putKey(keyRecord({ revokedAtMs: 5 }));
  await until('its end', () => watch.key(hash)?.revokedAtMs === 5);
  assert.equal((await watch.lookupKey(hash))?.revokedAtMs, 5);
});

test('a key that is revoked while it is being read is revoked', async () => {
  const nc = await connection();
  const news = holdNews(nc);
  const request: NatsConnection['request'] = nc.request.bind(nc);
  const read = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  const watch = await watcher(nc);
  nc.request = async (subject, ...rest) => {
    const answer = await request(subject, ...rest);
    if (!subject.includes('.GET.')) return answer;
    read.resolve();
    await late.promise;
    return answer;
  };
  const hash = 'b'.repeat(64);
  news.hold();
  await writer.putKey(keyRecord({ hash }));
  const found = watch.lookupKey(hash);
  await read.promise;
  await writer.putKey(keyRecord({ hash, revokedAtMs: 5 }));
  news.release();
  await until('its end', () => watch.key(hash)?.revokedAtMs === 5);
  late.resolve();
  assert.equal((await found)?.revokedAtMs, 5);
  assert.equal(watch.key(hash)?.revokedAtMs, 5);
});

test('each request waits its own second for a revision', async () => {
  const watch = await watcher();
  const first = watch.at(revision + 1);
  await pause(600);
  const second = watch.at(revision + 1);
  await assert.rejects(async () => first, { code: 'overloaded' });
  await apply();
  assert.equal((await second).revision, revision);
});

test('the bucket holds the revisions that replicas hold, and no more', async () => {
  for (let more = 0; more < 18; more++) await apply();
  const kv = await new Kvm(await connection()).open(configBucket);
  const held: number[] = [];
  for await (const key of await kv.keys(keys.revisions)) held.push(Number(key.split('.')[1]));
  assert.deepEqual(
    held.toSorted((a, b) => a - b),
    Array.from({ length: 16 }, (_, place) => revision - 15 + place),
  );
  const late = await watcher();
  assert.equal(late.current()?.revision, revision);
  assert.equal((await late.at(revision - 15)).revision, revision - 15);
});

test('a watch that is always a little late is not behind', async () => {
  const nc = await connection();
  const news = holdNews(nc);
  const watch = await watcher(nc);
  const writing = new AbortController();
  const writes = (async () => {
    for (let at = 1; !writing.signal.aborted; at++) {
      await writer.putKey(keyRecord({ hash: 'c'.repeat(64), createdAtMs: at }));
      // At no moment is there nothing on the way.
      news.release(1);
      await pause(20);
    }
  })();
  news.hold();
  await writer.putKey(keyRecord({ hash: 'c'.repeat(64) }));
  for (const from = Date.now(); Date.now() - from < 3200; await pause(50)) assert.equal(watch.stale(), false);
  writing.abort();
  await writes;
  assert.ok((watch.key('c'.repeat(64))?.createdAtMs ?? 0) > 10, 'it was late, and went on');
});

test('one comparison at a time, however slow the bucket answers', async (context) => {
  const nc = await connection();
  const request: NatsConnection['request'] = nc.request.bind(nc);
  context.mock.timers.enable({ apis: ['setInterval'] });
  await watcher(nc);
  const answers = Promise.withResolvers<void>();
  let asked = 0;
  nc.request = async (subject, ...rest) => {
    if (subject.startsWith('$JS.API.STREAM.INFO.')) {
      asked++;
      await answers.promise;
    }
    return request(subject, ...rest);
  };
  for (let second = 0; second < 3; second++) context.mock.timers.tick(1000);
  await until('the comparison', () => asked > 0);
  answers.resolve();
  assert.equal(asked, 1);
});

test('a watch that stalls in silence is behind after a second, and opened again', async () => {
  const nc = await connection();
  // Heartbeats and answers go on: only what the bucket has to say does not arrive.
  const news = holdNews(nc);
  const watch = await watcher(nc);
  const seen = watch.current()?.revision;
  assert.equal(watch.stale(), false);
  news.hold();
  await apply();
  await until('it is behind', () => watch.stale());
  assert.equal(watch.current()?.revision, seen);
  news.lose();
  await until('it has caught up', () => !watch.stale());
  assert.equal(watch.current()?.revision, revision);
});
