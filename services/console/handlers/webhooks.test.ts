import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Bus, connectBus } from '@tollgate/bus';
import type { ConfigSnapshot, Webhook } from '@tollgate/config';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { WebhookSender } from '../adapters/webhook-sender.ts';
import { limitEvent } from '../testing/limit-event.ts';
import { Webhooks } from './webhooks.ts';

// Queues in a real JetStream, receivers behind real HTTP.

const secret = randomBytes(24);
process.env.TOLLGATE_WEBHOOK_TEST = `whsec_${secret.toString('base64')}`;
const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });

interface Received {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Attempts are those of the same event. */
type Answer = (response: http.ServerResponse, attempt: number) => void;

let engines: TestEngines;
let bus: Bus;
let server: http.Server;
let address: string;
const received: Received[] = [];
/** By path; without one 204. */
const answers = new Map<string, Answer>();
let heard = Promise.withResolvers<void>();
let organization = '';
let organizations = 0;
let events = 0;
let snapshot: ConfigSnapshot;
const running: Webhooks[] = [];

before(async () => {
  engines = await startEngines({ only: ['nats'] });
  const { user, password } = engines.nats.credentials;
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({ env, service: 'console', replica: 'console-1', logger, metrics: createMetrics('test') });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 20 });
  server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = request.url ?? '';
    received.push({ path, headers: request.headers, body });
    const id = request.headers['webhook-id'];
    const attempt = received.filter((one) => one.path === path && one.headers['webhook-id'] === id).length;
    (answers.get(path) ?? (() => response.writeHead(204).end()))(response, attempt);
    heard.resolve();
    heard = Promise.withResolvers<void>();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await bus.close(100);
  await engines.close();
});
beforeEach(() => {
  received.length = 0;
  answers.clear();
  organization = `acme-${organizations++}`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((webhooks) => webhooks.stop()));
  await bus.forgetDeliveries(new Set());
});

const webhook = (name: string, change: Partial<Webhook> = {}): Webhook => ({
  ...{ name, scope: 'organization', scopeId: organization, url: `${address}/${name}`, format: 'json' },
  ...{ secret: { env: 'TOLLGATE_WEBHOOK_TEST' }, refusals: true, insecure: false },
  ...change,
});

function configure(...webhooks: Webhook[]): void {
  snapshot = {
    ...{ revision: (snapshot?.revision ?? 0) + 1, appliedAtMs: 1, priceListVersion: 'p' },
    ...{ organization: { id: organization, name: organization }, limits: [], webhooks, prices: {} },
    ...{ providers: [], projects: [], warnings: [] },
  };
}

/** A replica of the console's part that delivers; pauses are a hundredth. */
async function replica({
  timeoutMs = 10_000,
} = {}): Promise<{ webhooks: Webhooks; metric(line: string): Promise<number> }> {
  const metrics = createMetrics('test');
  const sender = new WebhookSender({ proxyEnv: {}, timeoutMs, now: Date.now });
  const webhooks = new Webhooks({
    bus: {
      config: { current: () => snapshot, stale: () => false },
      forgetDeliveries: (kept) => bus.forgetDeliveries(kept),
      deliverEvents: (options) =>
        bus.deliverEvents({
          ...options,
          deliver: async (...args) => {
            const verdict = await options.deliver(...args);
            return verdict === 'done' ? verdict : { retryAfterMs: verdict.retryAfterMs / 100 };
          },
        }),
    },
    send: (sending) => sender.send(sending),
    ...{ logger, metrics, now: Date.now, random: () => 0 },
  });
  running.push(webhooks);
  await webhooks.work();
  return {
    webhooks,
    metric: async (line) => {
      const found = (await metrics.text()).split('\n').find((one) => one.startsWith(line));
      return Number(found?.split(' ').at(-1));
    },
  };
}

/** Told now; returns its id. */
async function tell(change: Parameters<typeof limitEvent>[0] = {}): Promise<string> {
  const id = `lim_${events++}`;
  await bus.publishLimitEvent(limitEvent({ id, organizationId: organization, atMs: Date.now(), ...change }));
  return id;
}

const idsAt = (path: string) =>
  received.filter((one) => one.path === path).map(({ headers }) => String(headers['webhook-id']));

/** Waits for what a receiver hears; the test's own time limit bounds it. */
async function untilHeard(path: string, count: number): Promise<string[]> {
  while (idsAt(path).length < count) await heard.promise;
  return idsAt(path);
}

async function untilTold(path: string, id: string, count: number): Promise<void> {
  while (idsAt(path).filter((one) => one === id).length < count) await heard.promise;
}

const timeout = 30_000;

/** Asks until it holds; shorter than a test's time limit, so that a loop does not outlive its test. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const giveUpAtMs = Date.now() + timeout - 5000; !(await holds()); ) {
    assert.ok(Date.now() < giveUpAtMs, 'it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('an event is told once, signed over what was sent, and nothing is left', { timeout }, async () => {
  configure(webhook('one'));
  const { webhooks, metric } = await replica();
  const id = await tell();
  assert.deepEqual(await untilHeard('/one', 1), [id]);
  const [{ headers, body } = assert.fail()] = received;
  const signed = `${id}.${headers['webhook-timestamp']}.${body}`;
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 60);
  assert.match(String(headers['content-type']), /^application\/json/);
  assert.equal(JSON.parse(body).data.id, id);
  await until(() => webhooks.status()[0]?.deliveredAtMs !== undefined);
  const [{ deliveredAtMs: _, ...status } = assert.fail()] = webhooks.status();
  assert.deepEqual(status, {
    ...{ name: 'one', scope: 'organization', scopeId: organization, format: 'json', undelivered: 0, failures: 0 },
  });
  assert.equal(await metric('tollgate_webhook_deliveries_total{webhook="one",outcome="delivered"'), 1);
});

test('Slack and Teams are told in their own formats, whole and signed', { timeout }, async () => {
  answers.set('/slack', (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('ok'));
  answers.set('/teams', (response) => response.writeHead(202).end());
  configure(webhook('slack', { format: 'slack' }), webhook('teams', { format: 'teams' }));
  const { webhooks, metric } = await replica();
  const event = limitEvent({ id: await tell() });
  for (const format of ['slack', 'teams'] as const) {
    assert.deepEqual(await untilHeard(`/${format}`, 1), [event.id]);
    const { headers, body } = received.find(({ path }) => path === `/${format}`) ?? assert.fail();
    assert.match(String(headers['content-type']), /^application\/json/);
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
    const signed = `${event.id}.${headers['webhook-timestamp']}.${body}`;
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
    await until(() => webhooks.status().every(({ deliveredAtMs }) => deliveredAtMs !== undefined));
    assert.equal(await metric(`tollgate_webhook_deliveries_total{webhook="${format}",outcome="delivered"`), 1);
    const told = JSON.parse(body);
    if (format === 'slack') {
      assert.deepEqual(Object.keys(told), ['text', 'blocks']);
      assert.match(told.text, /engineering/);
      assert.equal(told.blocks[0].type, 'header');
    } else {
      const [{ contentType, content }] = told.attachments;
      assert.equal(contentType, 'application/vnd.microsoft.card.adaptive');
      assert.equal(content.type, 'AdaptiveCard');
      assert.match(content.body[1].inlines[0].text, /engineering/);
    }
  }
});

test('500, then 429, then 200: the same id and body each time, and meanwhile it is seen', { timeout }, async () => {
  const statuses = [500, 429];
  let third = () => {};
  answers.set('/flaky', (response, attempt) => {
    const status = statuses[attempt - 1];
    if (status) response.writeHead(status, status === 429 ? { 'retry-after': '20' } : {}).end('no');
    else third = () => response.writeHead(200).end('ok');
  });
  configure(webhook('flaky'));
  const { webhooks, metric } = await replica();
  const id = await tell();
  assert.deepEqual(await untilHeard('/flaky', 3), [id, id, id]);
  assert.equal(new Set(received.map(({ body }) => body)).size, 1);
  await webhooks.work();
  const [{ error, failures, undelivered, oldestUndeliveredAtMs = 0 } = assert.fail()] = webhooks.status();
  assert.deepEqual([error, failures, undelivered], ['HTTP 429', 2, 1]);
  assert.ok(oldestUndeliveredAtMs > Date.now() - 60_000);
  assert.ok((await metric('tollgate_webhook_oldest_undelivered_seconds{webhook="flaky"')) > 0);
  assert.equal(await metric('tollgate_webhook_undelivered{webhook="flaky"'), 1);
  third();
  await until(() => webhooks.status()[0]?.error === undefined);
  await until(async () => {
    await webhooks.work();
    return webhooks.status()[0]?.undelivered === 0;
  });
  assert.equal(await metric('tollgate_webhook_undelivered{webhook="flaky"'), 0);
  assert.equal(await metric('tollgate_webhook_oldest_undelivered_seconds{webhook="flaky"'), 0);
});

test('a receiver that redirects or breaks off is tried again; nobody follows', { timeout }, async () => {
  answers.set('/redirects', (response, attempt) => {
    response.writeHead(attempt > 1 ? 200 : 307, { location: `${address}/elsewhere` }).end();
  });
  answers.set('/breaks', (response, attempt) => void (attempt > 1 ? response.end() : response.socket?.destroy()));
  configure(webhook('redirects'), webhook('breaks'));
  await replica();
  const ids = [await tell(), await tell({ percent: 100 })];
  for (const path of ['/redirects', '/breaks']) for (const id of ids) await untilTold(path, id, 2);
  assert.deepEqual(idsAt('/elsewhere'), []);
});

test('one that hangs is tried again, and holds no other back', { timeout }, async () => {
  answers.set('/hangs', (response, attempt) => void (attempt > 1 && response.end()));
  answers.set('/never', () => {});
  configure(webhook('hangs'), webhook('never'), webhook('fine'));
  await replica({ timeoutMs: 200 });
  const ids = [await tell(), await tell({ percent: 100 })];
  for (const id of ids) {
    await untilTold('/hangs', id, 2);
    await untilTold('/fine', id, 1);
  }
});

test('410 ends it at once; so does a day without success, which is logged and counted', { timeout }, async () => {
  answers.set('/gone', (response) => response.writeHead(410).end());
  answers.set('/late', (response) => response.writeHead(500).end());
  configure(webhook('gone'), webhook('late'));
  const { webhooks, metric } = await replica();
  await tell({ atMs: Date.now() - 25 * 3_600_000 });
  await untilHeard('/gone', 1);
  await untilHeard('/late', 1);
  for (const name of ['gone', 'late']) {
    const line = `tollgate_webhook_deliveries_total{webhook="${name}",outcome="given_up"`;
    await until(async () => (await metric(line)) === 1);
  }
  await webhooks.work();
  assert.deepEqual(
    webhooks.status().map(({ undelivered }) => undelivered),
    [0, 0],
  );
});

test('a secret or address that cannot be read is seen, and told once it is there', { timeout }, async () => {
  delete process.env.TOLLGATE_WEBHOOK_LATER;
  configure(webhook('later', { url: { env: 'TOLLGATE_WEBHOOK_LATER' } }));
  const { webhooks } = await replica();
  const id = await tell();
  await until(() => webhooks.status()[0]?.error !== undefined);
  assert.match(webhooks.status()[0]?.error ?? '', /TOLLGATE_WEBHOOK_LATER is not there/);
  process.env.TOLLGATE_WEBHOOK_LATER = 'http://10.1.2.3/x';
  await until(() => webhooks.status()[0]?.error?.includes('plain') === true);
  process.env.TOLLGATE_WEBHOOK_LATER = `${address}/later`;
  assert.deepEqual(await untilHeard('/later', 1), [id]);
});

test('a queue goes on where a replica left it, under another address too; one that is not configured any more is forgotten', {
  timeout,
}, async () => {
  answers.set('/stays', (response) => response.writeHead(503).end());
  configure(webhook('stays'), webhook('leaves'));
  const first = await replica();
  const id = await tell();
  await untilHeard('/stays', 1);
  await first.webhooks.stop();
  configure(webhook('stays', { url: `${address}/moved` }));
  await replica();
  assert.deepEqual(await untilHeard('/moved', 1), [id]);
  assert.deepEqual(await bus.forgetDeliveries(new Set(['stays'])), []);
});

test('a queue that somebody else forgot is begun anew', { timeout }, async () => {
  configure(webhook('again'));
  const { webhooks } = await replica();
  await tell();
  await untilHeard('/again', 1);
  await bus.forgetDeliveries(new Set());
  const id = await tell({ percent: 100 });
  // The end of the old queue is heard of by NATS.
  await until(async () => {
    await webhooks.work().catch(() => {});
    return idsAt('/again').includes(id);
  });
});
