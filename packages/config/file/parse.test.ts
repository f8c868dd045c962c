import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { exampleText, exampleWith, faultsOf, lineWith } from '../fixtures/example.ts';
import { parseConfigFile } from './parse.ts';

/** One fault, on the line of this part, about this. */
function assertFault(text: string, part: string, about: RegExp) {
  const faults = faultsOf(text);
  assert.equal(faults.length, 1, faults.join('\n'));
  assert.ok(faults[0]?.startsWith(`- line ${lineWith(text, part)}: `), faults[0]);
  assert.match(faults[0] ?? '', about);
}

test('the example is fine', () => {
  assert.deepEqual(faultsOf(exampleText), []);
});

test('every fault is reported at once, in the order of lines, with its path', () => {
  const text = exampleText
    .replace('prompt: 2.50', 'prompt: -1')
    .replace('window: 1d', 'window: never')
    .replace('name: sales', 'title: sales')
    .replace('similarityThreshold: 0.92', 'similarityThreshold: 92');
  const faults = faultsOf(text);
  assert.deepEqual(
    faults.map((fault) => /line (\d+): (\S+) /.exec(fault)?.slice(1)),
    [
      [String(lineWith(text, 'prompt: -1')), 'priceList.gpt-4o.prompt'],
      [String(lineWith(text, 'never')), 'projects[0].teams[0].limits[0].window'],
      [String(lineWith(text, 'title: sales')), 'projects[0].teams[2].name'],
      [String(lineWith(text, 'title: sales')), 'projects[0].teams[2].title'],
      [String(lineWith(text, '92,')), 'projects[0].proxies[0].guardrails[1].semanticCache.similarityThreshold'],
    ],
  );
  assert.match(faults[2] ?? '', /is missing/);
  assert.match(faults[3] ?? '', /is not a setting here; known are name, limits, notifications, regions$/);
});

test('the error says how many, and its param is a path', () => {
  assert.throws(
    () => parseConfigFile(exampleWith('organization: sampleorganization', 'organization: Sample Organization')),
    (error) =>
      error instanceof TollgateError &&
      error.code === 'invalid_request' &&
      error.param === 'organization' &&
      error.message.startsWith('The configuration has 1 fault:\n- line 1: organization must be'),
  );
});

test('no more faults are listed than can be read', () => {
  const teams = Array.from({ length: 200 }, (_, at) => `      - { name: team-${at}, nope: 1 }`).join('\n');
  const faults = faultsOf(exampleWith('      - name: product', teams));
  assert.equal(faults.length, 51);
  assert.equal(faults.at(-1), '- and 150 more');
});

for (const [name, text, about] of [
  ['nothing', '', /must be a group of settings|is missing/],
  ['a text', 'hello', /must be a group of settings/],
  ['a list', '- 1', /must be a group of settings/],
] as const) {
  test(`${name} is not a configuration`, () => assert.match(faultsOf(text).join('\n'), about));
}

test('faults of the syntax have lines, and never repeat the text', () => {
  const text = exampleWith('apiKey: { env: AZURE_OPENAI_API_KEY }', 'apiKey: { env: "sk-secret-secret-secret }');
  const faults = faultsOf(text);
  assert.match(faults[0] ?? '', /^- line \d+: /);
  assert.doesNotMatch(faults.join('\n'), /secret/);
});

test('a setting that stands twice is a fault', () => {
  assertFault(
    exampleWith('    default: true', '    default: true\n        default: false'),
    'default: false',
    /unique/,
  );
});

test('a file that unfolds to much more than it is, or is too large, is refused', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [at, name] of [...'bcdefgh'].entries()) {
    const before = 'abcdefg'[at];
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`);
  }
  assert.match(faultsOf(bomb.join('\n')).join(''), /too many aliases/);
  assert.match(faultsOf(`# ${'x'.repeat(1024 * 1024)}`).join(''), /larger than 1048576 bytes/);
});

test('a credential must be a reference, and is not repeated', () => {
  for (const literal of ['"sk-secret-value"', '{ env: "sk-secret-value" }', '{ value: sk-secret-value }', '{}']) {
    const text = exampleWith('{ env: AZURE_OPENAI_API_KEY }', literal);
    const faults = faultsOf(text);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', /apiKey.*(environment variable|\{ env: NAME \} or \{ file: PATH \})/);
    assert.doesNotMatch(faults.join(''), /secret-value/);
  }
  assert.deepEqual(faultsOf(exampleWith('{ env: AZURE_OPENAI_API_KEY }', '{ file: /run/secrets/azure }')), []);
  assert.match(faultsOf(exampleWith('{ env: AZURE_OPENAI_API_KEY }', '{ env: A, file: /b }')).join(), /reference/);
});

test('plain http is for this machine, or must be said', () => {
  const endpoint = 'https://example.openai.azure.com';
  for (const local of ['http://127.0.0.1:8080', 'http://localhost:1', 'http://[::1]:1', 'http://127.8.8.8']) {
    assert.deepEqual(faultsOf(exampleWith(endpoint, local)), [], local);
  }
  for (const remote of ['http://10.0.0.1', 'http://localhost.example.com', 'http://127.0.0.1.example.com']) {
    assertFault(exampleWith(endpoint, remote), remote, /plain text.*insecure: true/);
    assert.deepEqual(faultsOf(exampleWith(endpoint, `${remote}\n    insecure: true`)), [], remote);
  }
});

test('an endpoint that could send a credential elsewhere is refused', () => {
  const endpoint = 'https://example.openai.azure.com';
  for (const bad of [
    'https://user:password@example.com',
    '"https://example.com#"',
    '"https://example.com/#/x"',
    'https://example.com/?x=1',
    'https://example.com/?',
    'ftp://example.com',
    '"https://example.com\\\\@evil.com"',
    'example.com',
    '"https://example.com/ x"',
  ]) {
    assertFault(exampleWith(endpoint, bad), bad, /providers\[0\]\.endpoint must /);
  }
});

test('names that would lead out of a URL, subject or key are refused', () => {
  for (const bad of ['"evil#"', '"a/b"', '"../x"', '"a b"', '"a?b"', '"%2e"', '""', '"-"', `"${'a'.repeat(129)}"`]) {
    assert.notDeepEqual(faultsOf(exampleWith('models: [gpt-4o,', `models: [${bad},`)), [], bad);
  }
  for (const bad of ['"a.b"', '"a*"', '">"', 'Big', '"{x}"', '"a:b"', '""', 'a_b', '-a', `${'a'.repeat(64)}`]) {
    assert.notDeepEqual(faultsOf(exampleWith('name: engineering', `name: ${bad}`)), [], bad);
  }
});

test('texts that YAML reads as numbers are pointed out', () => {
  assertFault(exampleWith('version: v1.0', 'version: 1.0'), 'version: 1.0', /put it in quotes/);
});

test('a context is one segment that no surface uses', () => {
  for (const bad of ['/v1', 'openai', '/chat', '/responses', '/a/b', '/', '//a', '/a?b', '/..']) {
    assertFault(exampleWith('context: /enterprise-llm-proxy', `context: ${bad}`), `context: ${bad}`, /context must /);
  }
  assert.deepEqual(faultsOf(exampleWith('context: /enterprise', 'context: enterprise')), []);
});

test('a PII guardrail that masks nothing must not look as if it did', () => {
  const text = exampleWith('{ email: true, phone: true, ssn: true }', '{ email: false }');
  assertFault(text, '{ email: false }', /masks nothing/);
});

test('a rotation cannot be passed over, and suspends no longer than its most', () => {
  const settings = 'suspendDurationSeconds: 30';
  assertFault(exampleWith(settings, 'onError: pass'), 'onError: pass', /onError must be refuse/);
  assertFault(exampleWith(settings, 'suspendDurationSeconds: 301'), '301', /not be longer than maxSuspendSeconds/);
});

test('a weight is whole, and of strategy weighted only', () => {
  const rotation = 'strategy: round-robin, models: [{ model: gpt-4o }';
  const weighted = (weight: string) => `strategy: weighted, models: [{ model: gpt-4o, weight: ${weight} }`;
  for (const bad of ['0', '1001', '0.5', '"3"']) {
    assertFault(exampleWith(rotation, weighted(bad)), weighted(bad), /weight must be a whole number from 1 to 1000/);
  }
  assert.deepEqual(faultsOf(exampleWith(rotation, weighted('3'))), []);
  for (const strategy of ['round-robin', 'least-latency', 'least-busy', 'lowest-cost', 'priority']) {
    assert.deepEqual(faultsOf(exampleWith('strategy: round-robin', `strategy: ${strategy}`)), [], strategy);
    const text = exampleWith(rotation, `strategy: ${strategy}, models: [{ model: gpt-4o, weight: 3 }`);
    assertFault(text, 'weight: 3', /models\[0\]\.weight must be left out: only strategy weighted/);
  }
  assertFault(exampleWith('strategy: round-robin', 'strategy: random'), 'random', /strategy must be round-robin or/);
});

test('rates of a model are whole numbers, regions names', () => {
  const models = 'models: [gpt-4o,';
  for (const [bad, about] of [
    ['{ name: gpt-4o, rpm: 0 }', /rpm must be a whole number from 1/],
    ['{ name: gpt-4o, tpm: 1.5 }', /tpm must be a whole number from 1/],
    ['{ name: gpt-4o, region: West Europe }', /region must be 1 to 63/],
  ] as const) {
    assertFault(exampleWith(models, `models: [${bad},`), bad, about);
  }
  assert.deepEqual(faultsOf(exampleWith(models, 'models: [{ name: gpt-4o, rpm: 600, tpm: 90000, region: eu },')), []);
  assertFault(exampleWith('name: product', 'name: product\n        regions: []'), 'regions: []', /at least one region/);
});

test('an entry with two guardrails, or none, has no order', () => {
  const cache = 'semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }';
  const two = exampleWith(`- ${cache}`, `- ${cache}\n            piiMasking: { email: true }`);
  assert.match(faultsOf(two).join(), /exactly one of piiMasking, semanticCache, modelRotation/);
  assert.match(faultsOf(exampleWith(cache, '{}')).join(), /exactly one/);
});

test('keys are a team’s: a project or an organization has no limit of one', () => {
  const limits = 'limits: [{ tokens: 5, window: 1d, keys: [build] }]';
  for (const [place, indent] of [
    ['organization: sampleorganization', ''],
    ['- name: sample-project', '    '],
  ] as const)
    assertFault(
      exampleWith(`${place}\n`, `${place}\n${indent}${limits}\n`),
      'build',
      /keys must be left out: keys are a team's/,
    );
});

test('a limit says how many, in which window of which clock', () => {
  const limit = '{ tokens: 1000000, window: 1d, mode: hard }';
  for (const [bad, about] of [
    [
      '{ window: 1d }',
      /limits\[0\] must have exactly one of tokens, promptTokens, completionTokens, costUsd, requests/,
    ],
    ['{ tokens: 5, requests: 5, window: 1d }', /limits\[0\] must have exactly one of tokens/],
    ['{ concurrency: 5, window: 1d }', /window must be left out: concurrency is what runs/],
    ['{ concurrency: 0 }', /concurrency must be a whole number from 1/],
    ['{ tokens: 5, window: 1d, keys: [] }', /keys must list at least one key by its name/],
    ['{ tokens: 5, window: 1d, keys: [CI] }', /keys\[0\] must be /],
    ['{ tokens: 5, window: 1d, per: team }', /per must be key, user, or metadata\./],
    ['{ tokens: 5, window: 1d, per: metadata.a:b }', /per must be key, user, or metadata\./],
    ['{ tokens: 5, window: 1d, valuesMax: 5 }', /valuesMax must be left out/],
    ['{ tokens: 5, window: 1d, per: user, valuesMax: 5001 }', /valuesMax must be a whole number from 1 to 5000/],
    ['{ costUsd: 0, window: 1d }', /costUsd must be at least 0.000000001 US dollars/],
    ['{ costUsd: 0.0000000015, window: 1d }', /costUsd must have at most 9 decimals/],
    ['{ costUsd: 9000001, window: 1d }', /costUsd must be at most 9000000/],
    ['{ requests: 1.5, window: 1d }', /requests must be a whole number/],
    ['{ tokens: 0, window: 1d }', /tokens must be a whole number from 1/],
    ['{ tokens: 1.5, window: 1d }', /tokens must be a whole number/],
    ['{ tokens: "5", window: 1d }', /tokens must be a whole number/],
    ['{ tokens: 5 }', /window is missing: must be a whole number of s, m, h/],
    ['{ tokens: 5, window: rolling 1d }', /window must be a whole number of s, m, h/],
    ['{ tokens: 5, window: 1d, timeZone: Mars/Olympus }', /timeZone must be UTC or/],
    ['{ tokens: 5, window: 1d, timeZone: "+02:00" }', /timeZone must be UTC or/],
    ['{ tokens: 5, window: 1d, rolling: yes please }', /rolling must be true or false/],
    ['{ tokens: 5, window: 1mo, rolling: true }', /window must be of s, m, h, d or w and from 1m to 360d/],
    ['{ tokens: 5, window: 361d, rolling: true }', /window must be of s, m, h, d or w and from 1m to 360d/],
    ['{ tokens: 5, window: 59s, rolling: true }', /window must be of s, m, h, d or w and from 1m to 360d/],
    ['{ tokens: 5, window: 24h, rolling: true, timeZone: Europe/Berlin }', /timeZone must be left out/],
    ['{ tokens: 5, window: 1m, timeZone: Europe/Berlin }', /timeZone must be left out/],
    ['{ concurrency: 5, rolling: true }', /rolling must be left out/],
    ['{ tokens: 5, window: 61s, burst: 5 }', /burst must be left out: only rates have one/],
    ['{ tokens: 5, window: 1m, rolling: false, burst: 5 }', /burst must be left out/],
    ['{ costUsd: 5, window: 1m, burst: 5 }', /burst must be left out/],
    ['{ tokens: 5, window: 1m, burst: 0 }', /burst must be a whole number from 1/],
    ['{ tokens: 50000000001, window: 1m }', /limits\[0\] must be at most 50000000000, as it is a rate/],
    ['{ tokens: 5, window: 1d, mode: maybe }', /mode must be hard or strict or soft or shadow/],
    ['{ requests: 5, window: 1d, mode: strict }', /mode must be hard: requests are counted one by one/],
    ['{ concurrency: 5, mode: strict }', /mode must be hard: requests are counted one by one/],
    ['{ tokens: 5, window: 1m, mode: strict }', /mode must be hard: what a rate lets pass flows back/],
  ] as const) {
    assertFault(exampleWith(limit, bad), bad, about);
  }
  assert.deepEqual(faultsOf(exampleWith(limit, '{ concurrency: 5 }')), []);
  for (const quantity of ['tokens', 'promptTokens', 'completionTokens', 'costUsd']) {
    assert.deepEqual(faultsOf(exampleWith(limit, `{ ${quantity}: 5, window: 1d, mode: strict }`)), []);
  }
  for (const good of [
    '{ tokens: 5, window: 1mo, timeZone: Europe/Berlin }',
    '{ tokens: 5, window: 24h, rolling: true }',
    '{ costUsd: 5, window: 1m, rolling: true }',
    '{ tokens: 5, window: 1m, rolling: true, mode: strict }',
    '{ requests: 5, window: 1s, burst: 20 }',
    '{ tokens: 50000000001, window: 1m, rolling: false, timeZone: Europe/Berlin }',
    // One of each kind, though all are of the same window.
    [
      '{ requests: 5, window: 1m }',
      '{ requests: 5, window: 1m, rolling: true }',
      '{ requests: 5, window: 1m, rolling: false }',
    ].join('\n          - '),
  ]) {
    assert.deepEqual(faultsOf(exampleWith(limit, good)), [], good);
  }
});

test('a price is exact to a nano-dollar', () => {
  assert.deepEqual(faultsOf(exampleWith('prompt: 2.50', 'prompt: 0.000000001')), []);
  assertFault(exampleWith('prompt: 2.50', 'prompt: 0.0000000001'), '0.0000000001', /9 decimals/);
  assertFault(exampleWith(', completion: 10.00 }', ' }'), 'gpt-4o: {', /completion is missing/);
});

test('thresholds are whole per cents of windows that are long enough to tell of', () => {
  const limit = '{ tokens: 1000000, window: 1d, mode: hard }';
  for (const [thresholds, window, about] of [
    ['[0]', '1d', /whole number from 1 to 100/],
    ['[101]', '1d', /whole number from 1 to 100/],
    ['[50, 50]', '1d', /must not say one twice/],
    ['[50]', '59m', /an hour and longer/],
  ] as const) {
    const text = exampleWith(limit, `{ tokens: 5, window: ${window}, thresholds: ${thresholds} }`);
    assertFault(text, thresholds, about);
  }
  for (const fine of ['thresholds: [], window: 1m', 'thresholds: [50], window: 1h', 'thresholds: [100], window: 1mo']) {
    assert.deepEqual(faultsOf(exampleWith(limit, `{ tokens: 5, ${fine} }`)), [], fine);
  }
});

test('a webhook goes to a URL that may be called, and names its secrets', () => {
  const secret = 'secret: { env: TOLLGATE_WEBHOOK_X }';
  for (const [settings, about] of [
    ['url: "ftp://a.example"', /url must be an https:/],
    ['url: http://a.example', /url would be called in plain text/],
    ['url: "https://user:word@a.example"', /url must not hold a user/],
    ['url: "https://a.example/#x"', /url must be a URL without fragment/],
    ['url: { env: TOLLGATE_ADMIN_TOKEN }', /url.env must be a variable whose name begins with TOLLGATE_WEBHOOK_/],
    ['format: slack, url: https://hooks.slack.example/T0/B0/secret', /url must be a reference.*can write there/],
    ['format: email, url: https://a.example', /format must be json, slack or teams/],
    ['url: https://a.example, events: [x]', /events is not a setting here; known are name, url/],
  ] as const) {
    const hook = `{ name: alerts, ${secret}, ${settings} }`;
    const text = exampleWith(
      'organization: sampleorganization',
      `organization: acme\nnotifications: { webhooks: [${hook}] }`,
    );
    assertFault(text, 'alerts', about);
    assert.ok(!faultsOf(text).join().includes('B0/secret'));
  }
  const hookOf = (settings: string) =>
    exampleWith(
      'organization: sampleorganization',
      `organization: acme\nnotifications: { webhooks: [{ name: a, ${settings} }] }`,
    );
  assertFault(hookOf('url: https://a.example'), 'name: a,', /secret is missing/);
  assertFault(hookOf('url: https://a.example, secret: whsec_abc'), 'name: a,', /secret must be a reference/);
  for (const fine of [
    `url: http://127.0.0.1:9000/x, ${secret}`,
    `url: http://a.example, insecure: true, ${secret}`,
    'format: teams, url: { file: /run/url }',
  ]) {
    assert.deepEqual(faultsOf(hookOf(fine)), [], fine);
  }
});
