import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, faultsOf, lineWith } from '../fixtures/example.ts';

/** [what stands there instead of which part, where the fault is, what it says] */
const faulty: [name: string, text: string, at: string, about: RegExp][] = [
  [
    'an unknown provider of a proxy',
    exampleWith('provider: azure-openai', 'provider: nobody'),
    'provider: nobody',
    /proxies\[0\]\.provider must be one of the providers; there is no nobody/,
  ],
  [
    'an unknown provider of a rotation',
    exampleWith('[{ model: gpt-4o }', '[{ model: gpt-4o, provider: nobody }'),
    'provider: nobody',
    /models\[0\]\.provider must be one of the providers; there is no nobody/,
  ],
  [
    'a model in rotation that its provider does not have',
    exampleWith('{ model: gpt-4o-mini }', '{ model: gpt-5 }'),
    'gpt-5',
    /models\[1\]\.model must be one of provider azure-openai's models; it has no gpt-5/,
  ],
  [
    'a model twice in a rotation',
    exampleWith('{ model: gpt-4o-mini }', '{ model: gpt-4o }'),
    '',
    /models\[1\] says gpt-4o of azure-openai a second time/,
  ],
  [
    'a model without a price',
    exampleWith('models: [gpt-4o,', 'models: [gpt-4o, gpt-5,'),
    'gpt-5',
    /models\[1\] has no price: add gpt-5 to priceList/,
  ],
  [
    'a base model without a price',
    exampleWith('gpt-4o-mini]', 'gpt-4o-mini, { name: fast, baseModel: constructor }]'),
    'fast',
    /models\[2\] has no price: add constructor/,
  ],
  [
    'a region of a team that no model is in',
    exampleWith('name: product', 'name: product\n        regions: [westeurope]'),
    'westeurope',
    /teams\[1\]\.regions\[0\] must be the region of a provider or of one of its models; there is no westeurope/,
  ],
  [
    'a region twice',
    exampleWith('models: [gpt-4o,', 'region: eu\n    models: [gpt-4o,').replace(
      'name: product',
      'name: product\n        regions: [eu, eu]',
    ),
    '[eu, eu]',
    /teams\[1\]\.regions\[1\] says eu a second time/,
  ],
  ['a provider twice', twice('  - name: azure-openai', 'projects:'), '', /providers\[1\] says azure-openai a second/],
  ['a model twice', exampleWith('models: [gpt-4o,', 'models: [gpt-4o, gpt-4o,'), 'gpt-4o, gpt-4o', /models\[1\] says/],
  ['a team twice', exampleWith('name: product', 'name: engineering'), '', /teams\[1\] says engineering a second time/],
  [
    'two limits of one window',
    exampleWith('mode: hard }', 'mode: hard }\n          - { tokens: 7, window: 1d, timeZone: Europe/Berlin }'),
    'tokens: 7',
    /limits\[1\] says tokens for 1d a second time/,
  ],
  [
    'a limit on a model that nobody has',
    exampleWith('mode: hard }', 'models: [gpt-4o, gpt-5] }'),
    'gpt-5',
    /limits\[0\]\.models\[1\] must be a model of one of the providers; there is no gpt-5/,
  ],
  [
    'two limits on the same models',
    exampleWith(
      'mode: hard }',
      'models: [gpt-4o, gpt-4o-mini] }\n          - { tokens: 7, window: 1d, models: [gpt-4o-mini, gpt-4o] }',
    ),
    'tokens: 7',
    /limits\[1\] says tokens for 1d on gpt-4o, gpt-4o-mini a second time/,
  ],
  [
    'two limits of the same keys',
    exampleWith(
      'mode: hard }',
      'keys: [build, nightly] }\n          - { tokens: 7, window: 1d, keys: [nightly, build] }',
    ),
    'tokens: 7',
    /limits\[1\] says tokens for 1d of key build, nightly a second time/,
  ],
  [
    'a key twice',
    exampleWith('mode: hard }', 'keys: [build, build] }'),
    'build, build',
    /limits\[0\]\.keys\[1\] says build a second time/,
  ],
  [
    'more limits than one key is held against',
    exampleWith(
      'mode: hard }',
      `mode: hard }${Array.from({ length: 16 }, (_, at) => `\n          - { tokens: 7, window: ${at + 2}d, keys: [build] }`).join('')}`,
    ),
    'limits',
    /limits has 17 limits for key build; at most 16 may bind a key/,
  ],
  [
    'a cache before PII masking',
    swapped(
      '- piiMasking: { email: true, phone: true, ssn: true }',
      '- semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }',
    ),
    '- semanticCache',
    /guardrails\[0\] stands before piiMasking/,
  ],
  [
    'a guardrail twice',
    exampleWith('- piiMasking: {', '- piiMasking: { email: true }\n          - piiMasking: {'),
    '- piiMasking: { email: true, phone',
    /guardrails\[1\] says piiMasking a second time/,
  ],
];

function swapped(a: string, b: string): string {
  return exampleText.replace(a, 'HERE').replace(b, a).replace('HERE', b);
}

/** The example with the block from one part up to another standing there twice. */
function twice(from: string, to: string): string {
  const block = exampleText.slice(exampleText.indexOf(from), exampleText.indexOf(to));
  return exampleText.replace(block, block + block);
}

for (const [name, text, at, about] of faulty) {
  test(`${name} is a fault`, () => {
    const faults = faultsOf(text);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', about);
    if (at !== '') assert.ok(faults[0]?.startsWith(`- line ${lineWith(text, at)}: `), faults[0]);
  });
}

test('two proxies need two contexts, over all projects, and one of them at most is the default', () => {
  const text = `${exampleText}
  - name: other
    proxies:
      - { name: second, context: enterprise-llm-proxy, provider: azure-openai, default: true }
`;
  const faults = faultsOf(text);
  assert.equal(faults.length, 2, faults.join('\n'));
  assert.match(faults[0] ?? '', /projects\[1\]\.proxies\[0\]\.context is the context of another proxy/);
  assert.match(faults[1] ?? '', /projects\[1\]\.proxies\[0\]\.default must be true for one proxy at most/);
});

test('the same team name in two projects is two teams', () => {
  assert.deepEqual(faultsOf(`${exampleText}\n  - name: other\n    teams: [{ name: engineering }]\n`), []);
});

test('all faults of references are reported at once', () => {
  const text = exampleText
    .replace('provider: azure-openai', 'provider: nobody')
    .replace('name: product', 'name: sales');
  assert.equal(faultsOf(text).length, 2, faultsOf(text).join('\n'));
});

const HOOK = '{ name: alerts, url: https://example.com, secret: { env: TOLLGATE_WEBHOOK_X } }';

test('two webhooks of one name, wherever they stand, and more than 64', () => {
  const twice = exampleWith(
    'organization: sampleorganization',
    `organization: acme\nnotifications: { webhooks: [${HOOK}] }`,
  );
  const text = twice.replace('- name: product', `- name: product\n        notifications: { webhooks: [${HOOK}] }`);
  const faults = faultsOf(text);
  assert.equal(faults.length, 1, faults.join('\n'));
  assert.match(faults[0] ?? '', /teams\[1\]\.notifications\.webhooks\[0\]\.name says alerts a second time/);
  let at = 0;
  const many = Array.from({ length: 5 }, (_, team) => {
    const hooks = Array.from({ length: 13 }, () => HOOK.replace('alerts', `alerts-${at++}`));
    return `      - { name: t${team}, notifications: { webhooks: [${hooks.join(', ')}] } }`;
  });
  const [fault = '', ...others] = faultsOf(exampleWith('      - name: product', many.join('\n')));
  assert.deepEqual(others, []);
  assert.match(fault, /is one more than the 64/);
});
