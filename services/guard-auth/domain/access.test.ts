import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type KeyRecord, proxyById, type ResolvedModel, resolveModel } from '@tollgate/config';
import { keyRecord, snapshot } from '../testing/harness.ts';
import { denial } from './access.ts';
import { isUsable } from './key-state.ts';

const config = snapshot();

function denied(change: Partial<KeyRecord>, asked = 'gpt-4o', proxyId = 'sample.chat'): string | undefined {
  const proxy = proxyById(config, proxyId);
  assert.ok(proxy);
  return denial(config, keyRecord(change), proxy, asked, resolveModel(config, proxy, asked));
}

describe('a key is usable', () => {
  test('while it is neither revoked nor expired', () => {
    assert.equal(isUsable(keyRecord(), 1000), true);
    assert.equal(isUsable(keyRecord({ expiresAtMs: 1001 }), 1000), true);
  });

  test('not from the moment on at which it expires or is revoked', () => {
    assert.equal(isUsable(undefined, 1000), false);
    assert.equal(isUsable(keyRecord({ expiresAtMs: 1000 }), 1000), false);
    assert.equal(isUsable(keyRecord({ revokedAtMs: 5000 }), 1000), false);
  });
});

describe('access', () => {
  test('all proxies and models of its project, unless the key says otherwise', () => {
    assert.equal(denied({}), undefined);
    assert.equal(denied({ proxies: ['sample.chat'], models: ['gpt-4o'] }), undefined);
  });

  test('not to another proxy than those named', () => {
    assert.match(denied({ proxies: ['sample.embeddings'] }) ?? '', /may not use this proxy/);
  });

  test('not to another project, whatever the key says', () => {
    assert.match(denied({ proxies: ['other.chat'] }, 'gpt-4o', 'other.chat') ?? '', /another project/);
  });

  test('not to another model than those named, known or not', () => {
    assert.match(denied({ models: ['gpt-4o-mini'] }) ?? '', /model gpt-4o\./);
    assert.match(denied({ models: ['gpt-4o-mini'] }, 'o1') ?? '', /model o1\./);
  });

  test('a rotation needs all its models', () => {
    const proxy = proxyById(config, 'sample.chat');
    assert.ok(proxy);
    const targets = ['gpt-4o', 'gpt-4o-mini'].flatMap((model) => {
      const resolved = resolveModel(config, proxy, model);
      return resolved.kind === 'named' ? [resolved.target] : [];
    });
    const rotation: ResolvedModel = { kind: 'rotation', targets };
    assert.equal(targets.length, 2);
    assert.equal(denial(config, keyRecord({ models: ['gpt-4o', 'gpt-4o-mini'] }), proxy, '', rotation), undefined);
    assert.match(denial(config, keyRecord({ models: ['gpt-4o'] }), proxy, '', rotation) ?? '', /gpt-4o-mini/);
  });

  test('asking which models there are needs no model', () => {
    const proxy = proxyById(config, 'sample.chat');
    assert.ok(proxy);
    assert.equal(denial(config, keyRecord({ models: ['o1'] }), proxy, '', undefined), undefined);
    assert.match(denial(config, keyRecord({ proxies: [] }), proxy, '', undefined) ?? '', /may not use this proxy/);
  });

  test('fails closed when its team or organization is gone', () => {
    assert.match(denied({ teamId: 'sample.sales' }) ?? '', /does not exist/);
    assert.match(denied({ organizationId: 'other' }) ?? '', /does not exist/);
  });
});
