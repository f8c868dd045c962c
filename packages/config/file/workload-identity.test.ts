import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, faultsOf, lineWith, snapshotOf } from '../fixtures/example.ts';
import { parseSnapshot } from '../model/stored.ts';

const KEY = 'apiKey: { env: AZURE_OPENAI_API_KEY }';
const keyless = (settings = '') => exampleWith(KEY, `credential: { entraWorkloadIdentity: {${settings}} }`);

test('a provider without a key says how tokens are come by; all but the scope may be left to the environment', () => {
  const [provider] = snapshotOf(keyless()).providers;
  assert.equal(provider?.apiKey, undefined);
  const scope = 'https://cognitiveservices.azure.com/.default';
  assert.deepEqual(provider?.credential, { entraWorkloadIdentity: { scope } });
  const settings = 'tenantId: contoso.example, clientId: 00000000-0000-0000-0000-000000000001, tokenFile: /run/token';
  const snapshot = snapshotOf(
    keyless(`${settings}, authority: "https://login.microsoftonline.us", scope: "api://x/.default"`),
  );
  assert.deepEqual(snapshot.providers[0]?.credential?.entraWorkloadIdentity, {
    tenantId: 'contoso.example',
    clientId: '00000000-0000-0000-0000-000000000001',
    tokenFile: '/run/token',
    authority: 'https://login.microsoftonline.us',
    scope: 'api://x/.default',
  });
  const [stored] = parseSnapshot(JSON.stringify(snapshot)).providers;
  assert.deepEqual(stored?.credential, snapshot.providers[0]?.credential);
});

const wrong: [name: string, text: string, part: string, about: RegExp][] = [
  [
    'with a key beside it',
    exampleWith(KEY, `${KEY}\n    credential: { entraWorkloadIdentity: {} }`),
    'credential:',
    /beside apiKey/,
  ],
  [
    'of another type',
    keyless()
      .replace('type: azure-openai', 'type: openai')
      .replace(/\n.*apiVersion:.*/, ''),
    'credential:',
    /type azure-openai only/,
  ],
  ['empty', exampleWith(KEY, 'credential: {}'), 'credential:', /entraWorkloadIdentity is missing/],
  [
    'of another kind',
    exampleWith(KEY, 'credential: { managedIdentity: {}, entraWorkloadIdentity: {} }'),
    'credential:',
    /managedIdentity is not a setting/,
  ],
  ['with a tenant that leads elsewhere', keyless('tenantId: "a/../b"'), 'credential:', /tenantId must be an id/],
  ['with a relative file', keyless('tokenFile: token'), 'credential:', /tokenFile must be an absolute path/],
  [
    'with an authority in plain text',
    keyless('authority: "http://login.example"'),
    'credential:',
    /authority must be an https/,
  ],
  ['with two scopes', keyless('scope: "a b"'), 'credential:', /scope must be one scope/],
];

for (const [name, text, part, about] of wrong) {
  test(`refused: a credential ${name}`, () => {
    assert.notEqual(text, exampleText);
    const faults = faultsOf(text);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.ok(faults[0]?.startsWith(`- line ${lineWith(text, part)}: `), faults[0]);
    assert.match(faults[0] ?? '', about);
  });
}

test('a token endpoint on this machine may be plain http', () => {
  assert.deepEqual(faultsOf(keyless('authority: "http://127.0.0.1:9"')), []);
});
