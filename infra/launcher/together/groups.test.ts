import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../config.ts';
import { serviceKinds, sharesPorts } from '../services.ts';
import { groupsOf, mayShare, processesOf, sharing } from './groups.ts';

const togetherOf = (text: string) => readConfig({ TOLLGATE_TOGETHER: text }).together;
const namesOf = (text: string) => processesOf(serviceKinds, togetherOf(text)).map(({ name }) => name);
const alone = serviceKinds.map(({ name }) => name);

test('without it every service has a process of its own', () => {
  assert.deepEqual(readConfig({}).together, []);
  for (const text of ['', ' ']) assert.deepEqual(namesOf(text), alone);
});

test('all: what may share a process does, the others are alone', () => {
  const all = 'ingress+pipeline+guard-auth+guard-pii+guard-cache+guard-router';
  for (const text of ['all', ' all ', all]) assert.deepEqual(namesOf(text), [all, 'console', 'upstream', 'analytics']);
});

test('groups stand in the order of requests, however they are written', () => {
  for (const text of ['pipeline+ingress guard-router+guard-auth', 'ingress+pipeline,guard-auth+guard-router']) {
    const names = namesOf(text);
    assert.deepEqual(names.slice(0, 2), ['ingress+pipeline', 'guard-auth+guard-router']);
    const inProcesses = names.flatMap((name) => name.split('+'));
    assert.deepEqual(inProcesses.toSorted(), alone.toSorted());
  }
});

test('a group has what its services need, and stops with the first of them', () => {
  const [edge, guards] = processesOf(serviceKinds, togetherOf('ingress+pipeline guard-auth+guard-cache+guard-router'));
  assert.deepEqual(
    edge?.members?.map(({ name }) => name),
    ['ingress', 'pipeline'],
  );
  assert.deepEqual([edge?.scalable, edge?.stopGroup, edge?.uses], [sharesPorts, 0, []]);
  assert.deepEqual(
    [guards?.scalable, guards?.stopGroup, guards?.uses],
    [true, 2, ['redis', 'cacheRedis', 'responseIds']],
  );
});

test('what cannot be is refused where the environment is read, with what can', () => {
  for (const text of [
    ...['upstream', 'ingress+upstream', 'pipeline+analytics', 'console+ingress'],
    ...['ingress+ingress', 'ingress+pipeline pipeline+guard-auth', 'all guard-auth', 'all+ingress'],
    ...['guard-pii', 'ingress,pipeline', 'ingress+pipeline guard-pii'],
    ...['ingress+', '+', 'ingress++pipeline', 'Ingress', 'guards', '../ingress'],
  ]) {
    assert.throws(() => readConfig({ TOLLGATE_TOGETHER: text }), {
      name: 'EnvironmentError',
      message: /- TOLLGATE_TOGETHER must be `all`, or groups like ingress\+pipeline .* of ingress, .*guard-router$/,
    });
  }
});

test('only services on the path of a request share, and never the one that has the providers’ credentials', () => {
  assert.deepEqual(
    [...mayShare].toSorted(),
    alone.filter((name) => !['upstream', 'analytics', 'console'].includes(name)).toSorted(),
  );
  assert.deepEqual(sharing(['guard-pii', 'ingress']), ['ingress', 'guard-pii']);
  for (const name of ['upstream', 'analytics', 'console']) {
    assert.equal(sharing(['ingress', name]), undefined);
    assert.equal(groupsOf(name), undefined);
  }
});
