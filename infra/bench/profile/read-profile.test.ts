import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { byPart, selfTimes } from './read-profile.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber });

function profileOf(samples: number[], timeDeltas: number[]): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tollgate-profile-test-')), 'one.cpuprofile');
  const nodes = [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('(garbage collector)') },
    { id: 3, callFrame: frame('encode', `file://${process.cwd()}/packages/contracts/gen/usage.ts`, 41) },
    { id: 4, callFrame: frame('', 'node:net', 9) },
  ];
  writeFileSync(file, JSON.stringify({ nodes, samples, timeDeltas }));
  return file;
}

test('time by function, the largest first; idle is nobody’s', () => {
  // A sample stands for the time until the next one.
  const file = profileOf([3, 1, 2, 4, 3], [0, 5000, 90_000, 1000, 2000]);
  assert.deepEqual(selfTimes(file, 10), [
    { where: 'encode packages/contracts/gen/usage.ts:42', part: 'encoding', ms: 5 },
    { where: '(anonymous) node:net:10', part: 'node', ms: 2 },
    { where: '(garbage collector)', part: 'garbage collector', ms: 1 },
  ]);
  rmSync(path.dirname(file), { recursive: true });
});

test('only the last seconds count', () => {
  const file = profileOf([3, 2, 4, 1], [0, 3_000_000, 500_000, 400_000]);
  assert.deepEqual(
    selfTimes(file, 0.9).map(({ where }) => where),
    ['(garbage collector)', '(anonymous) node:net:10'],
  );
  rmSync(path.dirname(file), { recursive: true });
});

test('a part is whose code it is: ours, a package, the engine', () => {
  const part = (functionName: string, url = '') => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'tollgate-profile-test-')), 'one.cpuprofile');
    const nodes = [{ id: 1, callFrame: frame(functionName, url) }];
    writeFileSync(file, JSON.stringify({ nodes, samples: [1, 1], timeDeltas: [0, 2000] }));
    const [only] = byPart(selfTimes(file, 1));
    rmSync(path.dirname(file), { recursive: true });
    return only;
  };
  const here = `file://${process.cwd()}`;
  assert.deepEqual(part('take', `${here}/services/pipeline/handlers/take.ts`), ['Tollgate', 2]);
  assert.deepEqual(part('decode', `${here}/packages/contracts/gen/usage.ts`), ['encoding', 2]);
  assert.deepEqual(part('string', `${here}/node_modules/@bufbuild/protobuf/dist/wire.js`), ['encoding', 2]);
  assert.deepEqual(part('push', `${here}/node_modules/@grpc/grpc-js/build/src/stream.js`), ['@grpc/grpc-js', 2]);
  assert.deepEqual(part('pack', `${here}/node_modules/@nats-io/nats-core/lib/databuffer.js`), ['@nats-io', 2]);
  assert.deepEqual(part('route', `${here}/node_modules/fastify/fastify.js`), ['fastify', 2]);
  assert.deepEqual(part('writev'), ['writes', 2]);
  assert.deepEqual(part('(program)'), ['V8, libuv and HTTP/2', 2]);
});
