import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedQuery } from './stored-query.ts';

test('only what the API knows goes on, encoded anew', () => {
  const url =
    '/v1/responses/r/input_items?api-version=x&after=msg_1%26a=b&limit=2&order=asc&include[]=a.b&key=secret#f';
  const query = 'after=msg_1%26a%3Db&limit=2&order=asc&include%5B%5D=a.b';
  assert.equal(storedQuery('input_items', url), query);
  const tagged = storedQuery('input_items', `/v1/responses/r/input_items?after=msg_1~${'x'.repeat(16)}&before=msg_2~x`);
  assert.equal(tagged, 'after=msg_1&before=msg_2%7Ex', 'items by their provider’s ids');
  assert.equal(storedQuery('retrieve', '/v1/responses/r?include[0]=a&after=x&limit=2'), 'include%5B0%5D=a');
  assert.equal(storedQuery('delete', '/v1/responses/r?include[]=a'), '');
  assert.equal(storedQuery('retrieve', '/v1/responses/r'), '');
  assert.equal(storedQuery('retrieve', '/v1/responses/r?stream=true&starting_after=4'), '', 'its events are ours');
});
