import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type System, sharedSystem } from '../support/system.ts';

// What nobody had to change goes to the provider byte for byte, however it is written and whether this build knows it or not.

let system: System;
let gatewayUrl: string;
let key: string;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'untouched')).key;
});

const odd = `"x_unknown" : [ 1.0,1e3 , 12345678901234567890, {"a":\tnull , "\\u0062": "\\u00e9\\/"} ]`;
const asked = 'h\\u00e9llo\\n  there \\ud83d\\ude00';
const bodies: Record<string, { path: string; body: string }> = {
  'chat completions': {
    path: '/v1/chat/completions',
    body: `{ "messages" :[ {"content":"${asked}",\n"role" :"user", "x_of_message":1.50} ],\r\n "model":"MODEL" , ${odd}, "seed":  7 }`,
  },
  responses: {
    path: '/v1/responses',
    body: `\n{"input" : [ {"role":"user" , "content" :[{ "type":"input_text","text":"${asked}" } ] } ],"model":"MODEL",${odd} }`,
  },
};

for (const [surface, { path, body }] of Object.entries(bodies)) {
  test(`${surface}: the body of the caller is the body of the call, but for the model that was chosen`, async () => {
    const response = await fetch(gatewayUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-tollgate-cache': 'no-store' },
      body: body.replace('MODEL', 'gpt-4o'),
    });
    assert.equal(response.status, 200, await response.text());
    const id = response.headers.get('x-request-id');
    const calls = await (await system.simulator()).calls();
    const call = calls.find(({ headers }) => headers['x-ms-client-request-id'] === id);
    assert.equal(call?.body, body.replace('MODEL', response.headers.get('x-tollgate-model') ?? ''));
  });
}
