import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import { parse } from 'yaml';
import { composeFile } from './compose-file.ts';

const read = (file: string) => readFileSync(path.join(import.meta.dirname, file), 'utf8');

test('the demo in containers is the launcher’s, but for the provider', () => {
  const { providers: _, ...here } = parse(read('demo.yaml'));
  const { providers: __, ...there } = parse(read('../launcher/configuration/demo.yaml'));
  assert.deepEqual(here, there);
});

test('its provider is the simulator of the same composition, with a credential that only upstream has', () => {
  const [provider] = resolveConfig(parseConfigFile(read('demo.yaml')), 1, 0).providers;
  assert.equal(provider?.endpoint, 'http://simulator:8000');
  assert.deepEqual(provider?.apiKey, { env: 'TOLLGATE_SIM_API_KEY' });
  const { simulator, upstream } = composeFile().services;
  assert.equal(upstream?.environment?.TOLLGATE_SIM_API_KEY, simulator?.environment?.TOLLGATE_SIM_API_KEY);
});
