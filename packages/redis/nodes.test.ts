import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, addressesOf, Nodes } from './nodes.ts';

const [a, b, c, d] = [1, 2, 3, 4].map((n) => ({ host: 'abcd'.charAt(n - 1), port: n })) as [
  Address,
  Address,
  Address,
  Address,
];
const hosts = (nodes: Nodes, times: number) => Array.from({ length: times }, () => nodes.next().host).join('');

test('addresses of URLs', () => {
  assert.deepEqual(addressesOf('redis://u:p@one:7000/2'), [{ host: 'one', port: 7000 }]);
  assert.deepEqual(addressesOf('rediss://one, rediss://[::1]:7001'), [
    { host: 'one', port: 6379 },
    { host: '::1', port: 7001 },
  ]);
  assert.throws(() => addressesOf('one'), TypeError);
});

test('who cannot be reached gives way to the next, round and round', () => {
  assert.equal(hosts(new Nodes([a, b, c]), 5), 'abcab');
  assert.equal(hosts(new Nodes([a]), 2), 'aa');
});

test('who served last is tried first', () => {
  const nodes = new Nodes([a, b, c]);
  assert.equal(hosts(nodes, 2), 'ab');
  nodes.met();
  assert.equal(hosts(nodes, 4), 'bacb');
});

test('who is pointed to is tried next, and the others when it cannot be reached', () => {
  const nodes = new Nodes([a, b]);
  nodes.next();
  nodes.met();
  nodes.prefer(d);
  assert.equal(hosts(nodes, 4), 'dabd');
});

test('nodes that a cluster tells of are tried too, until it tells of others', () => {
  const nodes = new Nodes([a]);
  nodes.tell([b, a, c]);
  assert.equal(hosts(nodes, 4), 'abca');
  nodes.tell([d]);
  nodes.prefer(a);
  assert.equal(hosts(nodes, 3), 'ada');
});

test('reads where an error points to', () => {
  const nodes = new Nodes([a]);
  assert.deepEqual(nodes.movedTo('MOVED 3999 127.0.0.1:6381'), { host: '127.0.0.1', port: 6381 });
  assert.deepEqual(nodes.movedTo('MOVED 3999 2001:db8::1:6381'), { host: '2001:db8::1', port: 6381 });
  nodes.next();
  assert.deepEqual(nodes.movedTo('MOVED 3999 :6381'), { host: 'a', port: 6381 });
  for (const other of ['ASK 3999 127.0.0.1:6381', 'ERR MOVED 1 a:1', 'MOVED', '']) {
    assert.equal(nodes.movedTo(other), undefined);
  }
});

test('reads the nodes of all ranges of slots', () => {
  const nodes = new Nodes([a]);
  nodes.next();
  const answer = [
    [0, 5460, ['b', 1, 'id', []], ['c', 2, 'id', []]],
    [5461, 16383, [null, 3, 'id', []]],
  ];
  assert.deepEqual(nodes.inSlots(answer), [
    { host: 'b', port: 1 },
    { host: 'c', port: 2 },
    { host: 'a', port: 3 },
  ]);
});
