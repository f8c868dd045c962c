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

/**
 * Families of a text in Prometheus's format 0.0.4, checked against its rules: for each name one HELP and one TYPE, then
 * all of its samples in one group, none twice. @throws what breaks them
 */
function familiesOf(text: string): Map<string, { type: string; help: string; samples: Map<string, number> }> {
  assert.ok(text.endsWith('\n'));
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current = '';
  for (const line of text.split('\n').filter((found) => found !== '')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      assert.ok(!families.has(name), `${name} has two groups`);
      families.set(name, { help: rest, type: '', samples: new Map() });
      current = name;
    } else if (keyword === 'TYPE') {
      assert.equal(name, current);
      assert.equal(families.get(name)?.type, '', `${name} has two types`);
      (families.get(name) as { type: string }).type = rest;
    } else {
      const [, sample = '', labels = '', value] = /^([a-z_]+)(\{.*\})? (\S+)$/.exec(line) ?? assert.fail(line);
      const family = families.get(current);
      assert.ok(sample === current || sample.replace(/_(bucket|sum|count)$/, '') === current, `${line} in ${current}`);
      assert.ok(!family?.samples.has(sample + labels), `twice: ${line}`);
      family?.samples.set(sample + labels, Number(value));
    }
  }
  return families;
}

test('what services of one process have in common is one family, with a sample for each', async () => {
  const metrics = createMetrics('gateway');
  const [ingress, pipeline] = [metrics.member('ingress'), metrics.member('pipeline')];
  metrics.counter('tollgate_things_total', 'Things', ['kind']).inc({ kind: 'own' });
  ingress.counter('tollgate_things_total', 'Things', ['kind']).inc({ kind: 'a' }, 2);
  pipeline.counter('tollgate_things_total', 'Things', ['kind']).inc({ kind: 'a' }, 3);
  for (const member of [ingress, pipeline]) member.histogram('tollgate_wait_seconds', 'Waits', [], [1]).observe(0.5);
  // One that has no sample yet, one that only a member has, and two that explain a name in different words.
  ingress.counter('tollgate_none_total', 'None', ['kind']);
  pipeline.gauge('tollgate_depth', 'Depth', [], (gauge) => gauge.set(7));
  ingress.gauge('tollgate_clients', 'Clients here').set(1);
  pipeline.gauge('tollgate_clients', 'Clients there').set(2);
  for (let scrape = 0; scrape < 2; scrape++) {
    const families = familiesOf(await metrics.text());
    const samples = (name: string) => Object.fromEntries(families.get(name)?.samples ?? []);
    assert.deepEqual(samples('tollgate_things_total'), {
      'tollgate_things_total{kind="own",service="gateway"}': 1,
      'tollgate_things_total{kind="a",service="ingress"}': 2,
      'tollgate_things_total{kind="a",service="pipeline"}': 3,
    });
    assert.deepEqual(samples('tollgate_clients'), {
      'tollgate_clients{service="ingress"}': 1,
      'tollgate_clients{service="pipeline"}': 2,
    });
    assert.deepEqual(samples('tollgate_depth'), { 'tollgate_depth{service="pipeline"}': 7 });
    assert.equal(families.get('tollgate_wait_seconds')?.type, 'histogram');
    assert.equal(Object.keys(samples('tollgate_wait_seconds')).length, 8);
    assert.equal(families.get('tollgate_clients')?.help, 'Clients here');
    assert.equal(families.get('tollgate_none_total')?.samples.size, 0);
    // Told once, by the process that its services share.
    assert.equal(families.get('tollgate_process_uptime_seconds')?.samples.size, 1);
  }
});

test('a text in a label or a help cannot break the merged text', async () => {
  const metrics = createMetrics('gateway');
  const member = metrics.member('ingress');
  member.counter('tollgate_things_total', 'Things\n\n# TYPE x counter', ['kind']).inc({ kind: 'a\n\nb"' });
  member.counter('tollgate_others_total', 'Others').inc();
  const families = familiesOf(await metrics.text());
  assert.equal(families.get('tollgate_things_total')?.samples.size, 1);
  assert.equal(families.get('tollgate_others_total')?.samples.size, 1);
});
