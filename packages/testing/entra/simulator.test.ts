import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EntraSimulator, startEntraSimulator } from './index.ts';

let nowMs = Date.now();
let entra: EntraSimulator;
before(async () => {
  entra = await startEntraSimulator({ expiresInSeconds: 60, refreshInSeconds: 30, now: () => nowMs });
});
after(() => entra?.close());

const form = (change: Record<string, string> = {}) => ({
  grant_type: 'client_credentials',
  client_id: entra.clientId,
  scope: 'https://cognitiveservices.azure.com/.default',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: entra.assertion(),
  ...change,
});

async function ask(fields: Record<string, string>, tenant = entra.tenantId) {
  const url = `${entra.address}/${tenant}/oauth2/v2.0/token`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('what is right in every field gets a token that runs out', async () => {
  const { status, body } = await ask(form());
  assert.equal(status, 200);
  const { access_token: token, ...others } = body;
  assert.deepEqual(others, { token_type: 'Bearer', expires_in: 60, ext_expires_in: 60, refresh_in: 30 });
  assert.equal(entra.isValid(String(token)), true);
  nowMs += 60_000;
  assert.equal(entra.isValid(String(token)), false);
  assert.equal(entra.isValid('entra-made-up'), false);
});

test('what is wrong in one is refused with its number', async () => {
  const late = entra.assertion(1);
  nowMs += 1000;
  const wrong: [change: Record<string, string>, number: number][] = [
    [{ grant_type: 'password' }, 70003],
    [{ client_id: 'another' }, 700016],
    [{ scope: 'https://graph.microsoft.com/.default' }, 70011],
    [{ client_assertion_type: 'x' }, 50027],
    [{ client_assertion: '' }, 50027],
    [{ client_assertion: `${entra.assertion()}x` }, 50027],
    [{ client_assertion: late }, 700024],
  ];
  for (const [change, number] of wrong) {
    const { status, body } = await ask(form(change));
    assert.ok(status === 400 || status === 401);
    assert.match(String(body.error_description), new RegExp(`^AADSTS${number}:`), JSON.stringify(change));
  }
  const { scope: _scope, ...without } = form();
  assert.match(String((await ask(without)).body.error_description), /^AADSTS900144:.*scope/);
  assert.match(String((await ask(form(), 'other')).body.error_description), /^AADSTS90002:/);
});

test('it can refuse everything, forget its tokens, and hold its answers', async () => {
  entra.refuse({ status: 503, error: 'temporarily_unavailable', description: 'AADSTS90033: later.' });
  assert.equal((await ask(form())).status, 503);
  entra.refuse(undefined);
  const before = entra.requests.length;
  const release = entra.hold();
  const asked = ask(form());
  await entra.waitForRequests(before + 1);
  assert.equal(entra.requests.at(-1)?.status, 0);
  release();
  const { status, body } = await asked;
  assert.equal(status, 200);
  entra.revokeAll();
  assert.equal(entra.isValid(String(body.access_token)), false);
});
