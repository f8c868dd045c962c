import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { findProxy } from '../model/lookup.ts';
import { parseSnapshot } from '../model/stored.ts';

test('the example resolves with every default filled in', () => {
  const snapshot = snapshotOf(exampleText, 7);
  assert.equal(snapshot.revision, 7);
  assert.deepEqual(snapshot.organization, { id: 'sampleorganization', name: 'sampleorganization' });
  assert.deepEqual(snapshot.prices['gpt-4o-mini'], {
    promptNanoPerMillion: 150_000_000,
    cachedPromptNanoPerMillion: 75_000_000,
    completionNanoPerMillion: 600_000_000,
  });
  assert.deepEqual(snapshot.providers, [
    {
      name: 'azure-openai',
      type: 'azure-openai',
      endpoint: 'https://example.openai.azure.com',
      insecure: false,
      apiKey: { env: 'AZURE_OPENAI_API_KEY' },
      apiVersion: '2025-04-01-preview',
      models: [
        { name: 'gpt-4o', deployment: 'gpt-4o', baseModel: 'gpt-4o' },
        { name: 'gpt-4o-mini', deployment: 'gpt-4o-mini', baseModel: 'gpt-4o-mini' },
      ],
    },
  ]);
  const [project] = snapshot.projects;
  const cap = { quantity: 'concurrency', amount: 1000, window: '', mode: 'hard', timeZone: 'UTC' };
  assert.deepEqual(project?.teams, [
    {
      id: 'sample-project.engineering',
      name: 'engineering',
      limits: [{ quantity: 'tokens', amount: 1_000_000, window: '1d', mode: 'hard', timeZone: 'UTC' }, cap],
    },
    { id: 'sample-project.product', name: 'product', limits: [cap] },
    { id: 'sample-project.sales', name: 'sales', limits: [cap] },
  ]);
  assert.deepEqual(project?.proxies, [
    {
      id: 'sample-project.enterprise-llm-proxy',
      name: 'enterprise-llm-proxy',
      project: 'sample-project',
      version: 'v1.0',
      context: 'enterprise-llm-proxy',
      provider: 'azure-openai',
      isDefault: true,
      guardrails: [
        { kind: 'piiMasking', onError: 'refuse', entities: ['email', 'phone', 'ssn'] },
        {
          kind: 'semanticCache',
          onError: 'pass',
          similarityThreshold: 0.92,
          ttlSeconds: 3600,
          scope: 'team',
          maxEntries: 10_000,
          agreement: 'content',
          embedder: 'LOCAL',
        },
        {
          kind: 'modelRotation',
          onError: 'refuse',
          strategy: 'round-robin',
          models: [
            { model: 'gpt-4o', provider: 'azure-openai' },
            { model: 'gpt-4o-mini', provider: 'azure-openai' },
          ],
          suspendDurationSeconds: 30,
          maxSuspendSeconds: 300,
          attempts: 3,
          override: false,
        },
      ],
      deadlineMs: 280_000,
    },
  ]);
  assert.deepEqual(snapshot.warnings, []);
});

test('what was resolved is what a replica reads back from the bucket, and both are frozen', () => {
  const snapshot = snapshotOf(exampleText);
  const read = parseSnapshot(JSON.stringify(snapshot));
  assert.deepEqual(read, snapshot);
  for (const frozen of [snapshot, read]) {
    assert.throws(() => Object.assign(frozen.projects[0]?.proxies[0] ?? {}, { provider: 'x' }), TypeError);
  }
});

test('a cached prompt token without a price of its own costs as any other, never nothing', () => {
  const { prices } = snapshotOf(exampleWith('cachedPrompt: 1.25, ', ''));
  assert.equal(prices['gpt-4o']?.cachedPromptNanoPerMillion, 2_500_000_000);
});

test("the price list's version follows the prices, not their order", () => {
  const version = (text: string) => snapshotOf(text).priceListVersion;
  const [first = '', second = ''] = exampleText.match(/^ {2}gpt-4o.*\n/gm) ?? [];
  assert.equal(version(exampleText.replace(first + second, second + first)), version(exampleText));
  assert.notEqual(version(exampleText.replace('prompt: 2.50', 'prompt: 2.51')), version(exampleText));
});

test('callers say the name, the provider gets the deployment, the price follows the base model', () => {
  const model = '{ name: fast, deployment: prod-4o-weu, baseModel: gpt-4o, region: westeurope }';
  const { providers } = snapshotOf(exampleWith('gpt-4o-mini]', `gpt-4o-mini, ${model}]`));
  assert.deepEqual(providers[0]?.models[2], {
    name: 'fast',
    deployment: 'prod-4o-weu',
    baseModel: 'gpt-4o',
    region: 'westeurope',
  });
});

test('a proxy is found by its context, with or without slashes, and the default at the root', () => {
  const snapshot = snapshotOf(exampleText);
  for (const context of ['enterprise-llm-proxy', '/enterprise-llm-proxy', '/enterprise-llm-proxy/', '', '/']) {
    assert.equal(findProxy(snapshot, context)?.name, 'enterprise-llm-proxy', context);
  }
  assert.equal(findProxy(snapshot, 'other'), undefined);
  assert.equal(findProxy(snapshotOf(exampleWith('default: true', 'default: false')), ''), undefined);
});

test('plain http to another machine stands in the warnings', () => {
  const text = exampleWith('https://example.openai.azure.com', 'http://10.1.2.3:9000/\n    insecure: true');
  const { warnings, providers } = snapshotOf(text);
  assert.equal(providers[0]?.endpoint, 'http://10.1.2.3:9000');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /azure-openai.*plain http.*10\.1\.2\.3/);
  assert.deepEqual(snapshotOf(exampleWith('https://example.openai.azure.com', 'http://127.0.0.1:9000')).warnings, []);
});

test('type openai needs no endpoint and has no api version', () => {
  const text = exampleText
    .replace('type: azure-openai', 'type: openai')
    .replace(/ {4}endpoint: .*\n/, '')
    .replace(/ {4}apiVersion: .*\n/, '');
  assert.equal(snapshotOf(text).providers[0]?.endpoint, 'https://api.openai.com/v1');
});

test('type anthropic needs no endpoint and has no api version', () => {
  const withVersion = exampleText.replace('type: azure-openai', 'type: anthropic').replace(/ {4}endpoint: .*\n/, '');
  assert.throws(() => snapshotOf(withVersion), /providers\[0\]\.apiVersion belongs to type azure-openai only/);
  const [provider] = snapshotOf(withVersion.replace(/ {4}apiVersion: .*\n/, '')).providers;
  assert.equal(provider?.type, 'anthropic');
  assert.equal(provider?.endpoint, 'https://api.anthropic.com');
});

test('a limit counts in units of its quantity, cost in nano-dollars', () => {
  const limits = exampleWith(
    '{ tokens: 1000000, window: 1d, mode: hard }',
    '{ costUsd: 0.1, window: 1mo, timeZone: Europe/Berlin }\n          - { requests: 5, window: 1m }',
  );
  const [first, second] = snapshotOf(limits).projects[0]?.teams[0]?.limits ?? [];
  assert.deepEqual([first?.quantity, first?.amount], ['cost_nano_usd', 100_000_000]);
  assert.deepEqual([second?.quantity, second?.amount], ['requests', 5]);
});

test('requests and tokens of at most a minute are rates, unless the file says how they are counted', () => {
  const texts = [
    '{ requests: 600, window: 1m }',
    '{ completionTokens: 600, window: 10s, burst: 5 }',
    '{ requests: 600, window: 61s }',
    '{ costUsd: 1, window: 1m }',
    '{ tokens: 600, window: 1m, rolling: false }',
    '{ tokens: 600, window: 1m, rolling: true }',
    '{ tokens: 600, window: 24h, rolling: true }',
  ];
  const example = exampleWith('{ tokens: 1000000, window: 1d, mode: hard }', texts.join('\n          - '));
  const limits = snapshotOf(example).projects[0]?.teams[0]?.limits ?? [];
  assert.deepEqual(
    limits.slice(0, texts.length).map(({ burst, rolling }) => [burst, rolling]),
    [
      [600, undefined],
      [5, undefined],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, true],
      [undefined, true],
    ],
  );
});

test('a limit that counts callers apart has a bound of its counters', () => {
  const limits = exampleWith(
    '{ tokens: 1000000, window: 1d, mode: hard }',
    '{ tokens: 5, window: 1d, per: user }\n          - { tokens: 5, window: 1d, per: metadata.ticket, valuesMax: 7 }',
  );
  const [first, second] = snapshotOf(limits).projects[0]?.teams[0]?.limits ?? [];
  assert.deepEqual([first?.per, first?.valuesMax], ['user', 1000]);
  assert.deepEqual([second?.per, second?.valuesMax], ['metadata.ticket', 7]);
});

test('limits of single keys do not count against each other, and name their keys in one order', () => {
  const ofKeys = Array.from({ length: 20 }, (_, at) => `- { tokens: 5, window: 1d, keys: [key-${at}, build-${at}] }`);
  const text = exampleWith('- { tokens: 1000000, window: 1d, mode: hard }', ofKeys.join('\n          '));
  const limits = snapshotOf(text).projects[0]?.teams[0]?.limits ?? [];
  assert.deepEqual(limits[19]?.keys, ['build-19', 'key-19']);
});

describe('a cap on concurrency', () => {
  const capsOf = (text: string) =>
    snapshotOf(text).projects[0]?.teams.map(({ limits }) =>
      limits.filter(({ quantity }) => quantity === 'concurrency').map(({ amount, mode, per }) => [amount, mode, per]),
    );
  const withDefaults = (defaults: string) =>
    exampleText.replace('organization: sampleorganization', `organization: sampleorganization\ndefaults: ${defaults}`);

  test('of their own keep the teams that have one; the others get the default one', () => {
    const text = withDefaults('{ concurrency: 64 }')
      .replace('- name: product', '- { name: product, limits: [{ concurrency: 7 }] }')
      .replace(
        '- name: sales',
        '- { name: sales, limits: [{ concurrency: 9, per: key }, { concurrency: 5, keys: [build] }] }',
      );
    assert.deepEqual(capsOf(text), [
      [[64, 'hard', undefined]],
      [[7, 'hard', undefined]],
      [
        [9, 'hard', 'key'],
        [5, 'hard', undefined],
        [64, 'hard', undefined],
      ],
    ]);
  });

  test('is there when the file says nothing of it, and is not when it says none', () => {
    const thousand = [[1000, 'hard', undefined]];
    for (const text of [exampleText, withDefaults('{}'), withDefaults('{ onStoreFailure: refuse }')])
      assert.deepEqual(capsOf(text), [thousand, thousand, thousand], text);
    assert.deepEqual(capsOf(withDefaults('{ concurrency: none }')), [[], [], []]);
  });

  test('that nobody wrote takes nothing from a team whose limits allow it to go on without the store', () => {
    const ofTeam = (limits: string, above = '') => {
      const text = exampleText
        .replace('- name: product', `- { name: product, limits: [${limits}] }`)
        .replace('organization: sampleorganization', `organization: sampleorganization\nlimits: [${above}]`);
      return snapshotOf(text).projects[0]?.teams[1]?.limits.map(({ onStoreFailure }) => onStoreFailure);
    };
    const allow = 'allow-within-share';
    const allowing = `{ tokens: 5, window: 1d, onStoreFailure: ${allow} }`;
    const refusing = '{ tokens: 9, window: 1mo }';
    assert.deepEqual(ofTeam(allowing), [allow, allow]);
    assert.deepEqual(ofTeam(`${allowing}, ${refusing}`), [allow, undefined, undefined]);
    assert.deepEqual(ofTeam('', allowing), [allow]);
    assert.deepEqual(ofTeam(allowing, refusing), [allow, undefined]);
    assert.deepEqual(ofTeam(''), [undefined]);
  });
});

test('a limit says what is to be done without the store; left out, it refuses', () => {
  const text = exampleWith(
    '{ tokens: 1000000, window: 1d, mode: hard }',
    '{ tokens: 5, window: 1d, onStoreFailure: allow-within-share }\n          - { tokens: 5, window: 1m, onStoreFailure: refuse }',
  );
  const [first, second] = snapshotOf(text, 1).projects[0]?.teams[0]?.limits ?? [];
  assert.equal(first?.onStoreFailure, 'allow-within-share');
  assert.equal(second?.onStoreFailure, undefined);
});

test('a limit tells its thresholds from the lowest; what it does not say stands in no revision', () => {
  const limits = exampleWith(
    '{ tokens: 1000000, window: 1d, mode: hard }',
    '{ tokens: 5, window: 1d, thresholds: [90, 75] }\n          - { tokens: 5, window: 1h }',
  );
  const [first, second] = snapshotOf(limits).projects[0]?.teams[0]?.limits ?? [];
  assert.deepEqual(first?.thresholds, [75, 90]);
  assert.equal(Object.hasOwn(second ?? {}, 'thresholds'), false);
});

test('a webhook knows whose limits it is told of, and where its secrets stand', () => {
  const own = '{ name: finance, url: https://a.example/x?y=1, secret: { file: /run/secret }, thresholds: [100, 80] }';
  const text = exampleWith(
    'organization: sampleorganization',
    `organization: acme\nnotifications: { webhooks: [${own}] }`,
  );
  const team = '{ name: leads, format: slack, url: { env: TOLLGATE_WEBHOOK_LEADS }, refusals: false }';
  const { webhooks } = snapshotOf(
    text.replace('- name: product', `- name: product\n        notifications: { webhooks: [${team}] }`),
  );
  assert.deepEqual(webhooks, [
    {
      ...{ name: 'finance', scope: 'organization', scopeId: 'acme', format: 'json', refusals: true, insecure: false },
      ...{ url: 'https://a.example/x?y=1', secret: { file: '/run/secret' }, thresholds: [80, 100] },
    },
    {
      ...{ name: 'leads', scope: 'team', scopeId: 'sample-project.product', format: 'slack', refusals: false },
      ...{ insecure: false, url: { env: 'TOLLGATE_WEBHOOK_LEADS' } },
    },
  ]);
});

test('without webhooks a revision says nothing of them; one that may go in plain text is warned of', () => {
  assert.equal(Object.hasOwn(snapshotOf(exampleText), 'webhooks'), false);
  const hook = '{ name: a, url: http://10.0.0.1, insecure: true, secret: { env: TOLLGATE_WEBHOOK_X } }';
  const text = exampleWith(
    'organization: sampleorganization',
    `organization: acme\nnotifications: { webhooks: [${hook}] }`,
  );
  assert.match(snapshotOf(text).warnings[0] ?? '', /Webhook a .*plain http/);
  assert.deepEqual(snapshotOf(text.replace('10.0.0.1', '127.0.0.1')).warnings, []);
});

test('weights are there for strategy weighted only, 1 where none is said', () => {
  const modelsOf = (text: string) => {
    const guardrail = findProxy(snapshotOf(text), '')?.guardrails[2];
    return guardrail?.kind === 'modelRotation' ? guardrail.models : [];
  };
  const weighted = exampleWith(
    'strategy: round-robin, models: [{ model: gpt-4o }',
    'strategy: weighted, models: [{ model: gpt-4o, weight: 3 }',
  );
  assert.deepEqual(modelsOf(weighted), [
    { model: 'gpt-4o', provider: 'azure-openai', weight: 3 },
    { model: 'gpt-4o-mini', provider: 'azure-openai', weight: 1 },
  ]);
  assert.ok(modelsOf(exampleText).every((model) => !('weight' in model)));
});

test("a model without a region is in its provider's, and a team's regions are sorted", () => {
  const text = exampleWith(
    'models: [gpt-4o, gpt-4o-mini]',
    'region: westeurope\n    models: [gpt-4o, { name: gpt-4o-mini, region: eastus, rpm: 60, tpm: 9000 }]',
  ).replace('- name: product', '- { name: product, regions: [westeurope, eastus] }');
  const { providers, projects } = snapshotOf(text);
  assert.deepEqual(
    providers[0]?.models.map(({ region, rpm, tpm }) => [region, rpm, tpm]),
    [
      ['westeurope', undefined, undefined],
      ['eastus', 60, 9000],
    ],
  );
  assert.deepEqual(
    projects[0]?.teams.map(({ regions }) => regions),
    [undefined, ['eastus', 'westeurope'], undefined],
  );
});
