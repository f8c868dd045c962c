import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './index.ts';

test('metrics are told in Prometheus text with the service as a label', async () => {
  const metrics = createMetrics('pipeline');
  metrics.counter('tollgate_things_total', 'Things', ['kind']).inc({ kind: 'a' }, 2);
  metrics.histogram('tollgate_wait_seconds', 'Waits').observe(0.0015);
  const text = await metrics.text();
  assert.match(text, /^tollgate_things_total\{kind="a",service="pipeline"\} 2$/m);
  assert.match(text, /^tollgate_wait_seconds_bucket\{le="0.002",service="pipeline"\} 1$/m);
  assert.match(text, /^tollgate_wait_seconds_bucket\{le="0.001",service="pipeline"\} 0$/m);
  assert.match(text, /^tollgate_process_resident_memory_bytes\{service="pipeline"\} \d+$/m);
});

test('a gauge is collected at each scrape', async () => {
  const metrics = createMetrics('x');
  let value = 1;
  metrics.gauge('tollgate_depth', 'Depth', [], (gauge) => gauge.set(value));
  assert.match(await metrics.text(), /^tollgate_depth\{service="x"\} 1$/m);
  value = 2;
  assert.match(await metrics.text(), /^tollgate_depth\{service="x"\} 2$/m);
});

test('two parts of a process share a metric of one name', async () => {
  const metrics = createMetrics('x');
  metrics.counter('tollgate_things_total', 'Things').inc();
  metrics.counter('tollgate_things_total', 'Things').inc();
  assert.match(await metrics.text(), /^tollgate_things_total\{service="x"\} 2$/m);
});

test('one name for two different things is refused', () => {
  const metrics = createMetrics('x');
  metrics.counter('tollgate_things_total', 'Things', ['kind']);
  assert.throws(() => metrics.counter('tollgate_things_total', 'Things'), /counter with labels \(kind\)/);
  assert.throws(() => metrics.gauge('tollgate_things_total', 'Things', ['kind']), /exists already as a counter/);
});

test('names are ours', () => {
  const metrics = createMetrics('x');
  assert.throws(() => metrics.counter('requests_total', 'x'), /tollgate_/);
  assert.throws(() => metrics.counter('tollgate_Requests', 'x'), /tollgate_/);
});
