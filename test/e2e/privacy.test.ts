import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { jetstream, jetstreamManager, type StreamState } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { KeptAnswer } from '@tollgate/contracts';
import { Redis } from 'ioredis';
import { type Status, type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// P3: an original appears in no file of the home folder, no value in Redis, no message of JetStream, no text column of the
// ledger. The stores compress and encode what they hold, so they are asked too, not only their files.

const originals = ['ada.privacy@example.org', '+1 415 555 2671', '415-555-2671', '536-90-4399'];
let system: System;
let status: Status;

before(async () => {
  system = sharedSystem();
  status = await system.status();
  const { key } = await system.createKey('sales', 'privacy');
  const texts = [`Mail ${originals[0]}, call ${originals[1]}`, `Number ${originals[2]} and SSN ${originals[3]}`];
  for (const stream of [false, true]) {
    for (const text of texts) {
      const response = await fetch(`${status.gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify({
          stream,
          user: originals[0],
          messages: [
            { role: 'system', content: `The customer is ${originals[0]}` },
            { role: 'user', content: [{ type: 'text', text }] },
            {
              role: 'assistant',
              content: null,
              tool_calls: [
                {
                  id: 'c',
                  type: 'function',
                  function: { name: 'f', arguments: JSON.stringify({ ssn: originals[3] }) },
                },
              ],
            },
            { role: 'tool', tool_call_id: 'c', content: `found ${originals[2]}` },
            { role: 'user', content: `Repeat: ${text}` },
          ],
        }),
      });
      const body = await response.text();
      assert.equal(response.status, 200, body);
      for (const original of originals) assert.ok(!body.includes(original), `${original} came back`);
    }
  }
  const queued = await fetch(`${status.gatewayUrl}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': 'privacy' },
    body: JSON.stringify({
      model: 'gpt-4o',
      background: true,
      user: originals[0],
      input: `Repeat: ${texts.join(' ')}`,
    }),
  });
  assert.equal(queued.status, 200, await queued.text());
  // Beyond 16 KiB an answer that is kept for a retry is packed.
  const long = await fetch(`${status.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': 'privacy, long' },
    body: JSON.stringify({ messages: [{ role: 'user', content: `Repeat: ${`${texts.join(' ')} `.repeat(300)}` }] }),
  });
  assert.equal(long.status, 200, await long.text());
  await until('six rows', async () => {
    const [row] = await system.sql<{ n: number }>("SELECT count() AS n FROM usage WHERE team = 'sales'");
    return Number(row?.n) >= 6 ? row : undefined;
  });
});

test('nothing went upstream', async () => {
  const calls = JSON.stringify(await (await system.simulator()).calls());
  for (const original of originals) assert.ok(!calls.includes(original), original);
});

test('nothing stands in a file of the home folder', async () => {
  const files = (await readdir(status.home, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  assert.ok(files.length > 20);
  for (const file of files) {
    const name = path.join(file.parentPath, file.name);
    const content = await readFile(name, 'latin1').catch(endedMeanwhile);
    for (const original of originals) assert.ok(!content.includes(original), `${original} in ${name}`);
  }
});

/** Files come and go while they are looked at; one that cannot be read for another reason was not looked at. */
function endedMeanwhile(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error;
  return '';
}

for (const store of ['redisUrl', 'cacheRedisUrl'] as const) {
  test(`nothing stands in ${store.replace('Url', '')}`, async () => {
    const redis = new Redis(status[store]);
    try {
      // That of the longest answer comes last: it is packed, and nothing else there has its words in this order.
      const awaited = store === 'redisUrl' ? 'SSN [SSN_0000] Mail [EMAIL_0000]' : '[EMAIL_0000]';
      // What stands in their place is found, so what is looked at is what was kept.
      const dump = await until(`${awaited} in what is kept`, async () => {
        const found = await dumpOf(redis);
        return found.includes(awaited) ? found : undefined;
      });
      for (const original of originals) assert.ok(!dump.includes(original), original);
    } finally {
      redis.disconnect();
    }
  });
}

test('nothing stands in a message of JetStream', async () => {
  const { protocol, host, username, password } = new URL(status.natsUrl);
  const nats = await connect({ servers: `${protocol}//${host}`, user: username, pass: password });
  try {
    const read = new Map<string, number>();
    for await (const { config, state } of (await jetstreamManager(nats)).streams.list()) {
      const texts = await messagesOf(nats, config.name, state);
      read.set(config.name, texts.length);
      for (const text of texts) {
        for (const original of originals) assert.ok(!text.includes(original), `${original} in ${config.name}`);
      }
    }
    assert.deepEqual([...read.keys()].sort(), ['BACKGROUND', 'BACKGROUND_QUEUE', 'EVENTS', 'KV_CONFIG', 'USAGE']);
    for (const stream of ['BACKGROUND', 'KV_CONFIG', 'USAGE'])
      assert.ok((read.get(stream) ?? 0) > 0, JSON.stringify([...read]));
  } finally {
    await nats.close();
  }
});

/** Each message of a stream as text: its subject, its headers, its bytes. */
async function messagesOf(nats: NatsConnection, stream: string, state: StreamState): Promise<string[]> {
  const texts: string[] = [];
  if (state.messages === 0) return texts;
  const consumer = await jetstream(nats).consumers.get(stream);
  for await (const { subject, headers, data, seq } of await consumer.consume()) {
    texts.push(`${subject}\n${JSON.stringify([...(headers ?? [])])}\n${Buffer.from(data).toString('latin1')}`);
    if (seq >= state.last_seq) break;
  }
  return texts;
}

test('nothing stands in a text column of the ledger, the counts do', async () => {
  const columns = await system.sql<{ table: string; name: string }>(
    "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND (type LIKE '%String%' OR type LIKE 'Map%')",
  );
  assert.ok(columns.length > 20);
  for (const [table, own] of Map.groupBy(columns, (column) => column.table)) {
    const counts = own.map(({ name }, at) => {
      const found = originals.map((original) => `position(toString(\`${name}\`), '${original}') > 0`).join(' OR ');
      return `countIf(${found}) AS found_${at}`;
    });
    const [row] = await system.sql<Record<string, number>>(`SELECT ${counts.join(', ')} FROM \`${table}\``);
    for (const [at, { name }] of own.entries()) assert.equal(Number(row?.[`found_${at}`]), 0, `${table}.${name}`);
  }
  const [counts] = await system.sql<{ emails: number }>(
    "SELECT sum(pii_entities['EMAIL']) AS emails FROM usage WHERE team = 'sales'",
  );
  assert.ok(Number(counts?.emails) > 0);
});

async function dumpOf(redis: Redis): Promise<string> {
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map((name) => everything(redis, name)));
  return [...keys, ...values].join('\n');
}

async function everything(redis: Redis, name: string): Promise<string> {
  const type: string = await redis.type(name);
  switch (type) {
    case 'string':
      return (await redis.getBuffer(name))?.toString('latin1') ?? '';
    case 'hash':
      return name.includes(':idempotency:')
        ? claimOf(await redis.hgetallBuffer(name))
        : JSON.stringify(await redis.hgetall(name));
    case 'zset':
      return JSON.stringify(await redis.zrange(name, '0', '-1'));
    case 'set':
      return JSON.stringify(await redis.smembers(name));
    case 'list':
      return JSON.stringify(await redis.lrange(name, 0, -1));
    case 'vectorset': {
      const members = (await redis.call('VRANDMEMBER', name, '100000')) as string[];
      const attributes = await Promise.all(members.map((member) => redis.call('VGETATTR', name, member)));
      return JSON.stringify([members, attributes]);
    }
    case 'none':
      // It ran out meanwhile.
      return '';
    default:
      return assert.fail(`nobody looks into a ${type}`);
  }
}

/** Who makes the call for a key, and the answer that is kept for a retry with it, unpacked. */
function claimOf(hash: Record<string, Buffer>): string {
  const { answer, ...others } = hash;
  const kept = answer && answer.length > 0 ? KeptAnswer.decode(answer) : undefined;
  const content = kept?.packed ? inflateRawSync(kept.content).toString('latin1') : undefined;
  const fields = Object.entries(others).map(([field, value]) => [field, value.toString('latin1')]);
  return JSON.stringify([fields, kept?.headers, content, answer?.toString('latin1')]);
}
