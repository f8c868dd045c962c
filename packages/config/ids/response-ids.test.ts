import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemTagCharacters, itemTagOf } from './item-tags.ts';
import { contentMarkCharactersMax, contentMarkOf, type IssuedResponse, ResponseIds } from './response-ids.ts';

const secret = 'a-secret-of-the-tests-and-of-nobody';
const other = 'another-secret-of-the-tests-and-of-nobody';
const ids = new ResponseIds([secret]);
const issued: IssuedResponse = {
  provider: 'azure-openai',
  model: 'gpt-4o',
  providerId: 'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b',
  borrowed: false,
};

test('an id says to its team what it stands for, and to nobody else', () => {
  const id = ids.seal('sample.engineering', issued);
  assert.match(id, /^resp_[A-Za-z0-9_-]{100,200}$/);
  assert.deepEqual(ids.open('sample.engineering', id), issued);
  assert.equal(ids.open('sample.product', id), undefined);
  assert.equal(new ResponseIds([other]).open('sample.engineering', id), undefined);
  const borrowed = ids.seal('sample.engineering', { ...issued, borrowed: true });
  assert.equal(ids.open('sample.engineering', borrowed)?.borrowed, true);
  const background = { ...issued, providerId: 'req_1', background: true } as const;
  assert.deepEqual(ids.open('sample.engineering', ids.seal('sample.engineering', background)), background);
});

test('each is new, and none shows what it holds', () => {
  const made = Array.from({ length: 50 }, () => ids.seal('t', issued));
  assert.equal(new Set(made).size, 50);
  const shown = made.map((id) => Buffer.from(id.slice(5), 'base64url').toString('latin1')).join();
  assert.doesNotMatch(shown, /azure|gpt-4o|resp_/);
});

test('what was changed in any place, cut or made up does not open', () => {
  const id = ids.seal('t', issued);
  for (let at = 0; at < id.length; at++) {
    const changed = id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
    assert.equal(ids.open('t', changed), undefined, `character ${at}`);
  }
  const rubbish = ['', 'resp_', 'resp_1', issued.providerId, id.slice(0, -1), `${id}A`, `${id}=`, `${id}%`, ` ${id}`];
  for (const made of [...rubbish, `resp_${'A'.repeat(5000)}`]) assert.equal(ids.open('t', made), undefined, made);
});

test('after a change of the secret the first one seals and the former still opens', () => {
  const before = ids.seal('t', issued);
  const changing = new ResponseIds([other, secret]);
  assert.deepEqual(changing.open('t', before), issued);
  const after = changing.seal('t', issued);
  assert.equal(ids.open('t', after), undefined);
  assert.deepEqual(new ResponseIds([other]).open('t', after), issued);
  assert.equal(changing.providerOfMark('t', ids.contentMark('t', 'east')), 'east');
});

test('a mark is found before what it marks, and names its provider to its team only', () => {
  const mark = ids.contentMark('t', 'azure-east');
  assert.equal(contentMarkOf(`${mark}gAAAA.b`), mark);
  assert.equal(mark, ids.contentMark('t', 'azure-east'), 'the same for all of a team');
  assert.ok(ids.contentMark('t', 'x'.repeat(63)).length <= contentMarkCharactersMax);
  for (const text of ['', 'gAAAA', 'tge1.', 'tge1.azure-east.short.gAAAA']) assert.equal(contentMarkOf(text), '');
  assert.equal(ids.providerOfMark('t', mark), 'azure-east');
  assert.equal(ids.providerOfMark('u', mark), undefined);
  assert.equal(ids.providerOfMark('t', mark.replace('east', 'west')), undefined);
  assert.equal(ids.providerOfMark('t', `${mark}more`), undefined);
});

test('a tag says of an item who keeps it, to its team only', () => {
  const id = 'msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b';
  const tag = ids.itemTag('t', 'east', id);
  assert.equal(tag.length, itemTagCharacters);
  assert.equal(tag, ids.itemTag('t', 'east', id), 'the same in every answer');
  assert.equal(itemTagOf(id + tag), tag);
  for (const none of ['', id, `${id}~`, `${id}${tag}.`, `${id}${tag.slice(0, -1)}`]) assert.equal(itemTagOf(none), '');
  const providers = ['west', 'east'];
  assert.equal(ids.providerOfItem('t', id + tag, providers), 'east');
  assert.equal(ids.providerOfItem('t', id + tag, ['west']), undefined);
  assert.equal(ids.providerOfItem('u', id + tag, providers), undefined);
  assert.equal(ids.providerOfItem('t', `x${id}${tag}`, providers), undefined, 'of another item');
  assert.equal(ids.providerOfItem('t', id, providers), undefined);
  assert.equal(new ResponseIds([other, secret]).providerOfItem('t', id + tag, providers), 'east');
});
