import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTokenAnswer } from './token-answer.ts';

const good = { token_type: 'Bearer', access_token: 'secret-token', expires_in: 3600 };
const answered = (change: object, status = 200) => readTokenAnswer(status, JSON.stringify({ ...good, ...change }));

test('a token is renewed when the endpoint says so, else at four fifths of its life', () => {
  assert.deepEqual(answered({}), { token: 'secret-token', expiresInMs: 3_600_000, refreshInMs: 2_880_000 });
  assert.deepEqual(answered({ expires_in: 86_399, refresh_in: 43_199 }), {
    token: 'secret-token',
    expiresInMs: 86_399_000,
    refreshInMs: 43_199_000,
  });
  for (const refresh_in of [3600, 9999, 0, -1, 'soon', null]) {
    assert.deepEqual(answered({ refresh_in }), answered({}), String(refresh_in));
  }
  assert.deepEqual(answered({ expires_in: '3600', token_type: 'bearer' }), answered({}));
});

for (const change of [
  { access_token: undefined },
  { access_token: '' },
  { access_token: 'two words' },
  { access_token: 'line\r\nx-header: y' },
  { access_token: 'x'.repeat(40_000) },
  { access_token: 7 },
  { token_type: 'mac' },
  { token_type: undefined },
  { expires_in: 0 },
  { expires_in: undefined },
  { expires_in: 'never' },
]) {
  test(`no token: ${JSON.stringify(change).slice(0, 60)}`, () => {
    const answer = answered(change);
    assert.ok('problem' in answer);
    assert.doesNotMatch(answer.problem, /secret|words|never/);
  });
}

test('a refusal is told by its codes, never by its text', () => {
  const description = 'AADSTS700016: Application secret-assertion was not found.\r\nTrace ID: secret-trace';
  const error = { error: 'unauthorized_client', error_description: description };
  const text = 'the token endpoint answered 400 unauthorized_client AADSTS700016';
  assert.deepEqual(readTokenAnswer(400, JSON.stringify(error)), { problem: text });
  assert.deepEqual(readTokenAnswer(503, '<html>secret'), { problem: 'the token endpoint answered 503' });
  assert.deepEqual(readTokenAnswer(302, ''), { problem: 'the token endpoint answered 302' });
  assert.deepEqual(readTokenAnswer(400, JSON.stringify({ error: 'Secret text', error_description: 7 })), {
    problem: 'the token endpoint answered 400',
  });
  assert.ok('problem' in readTokenAnswer(200, '<html>'));
});
