import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleWith, faultsOf, lineWith } from '../fixtures/example.ts';
import { configJsonSchema } from './json-schema.ts';

const PII = 'piiMasking: { email: true, phone: true, ssn: true }';
const CACHE = 'semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }';
const ROTATION = 'strategy: round-robin, models: [{ model: gpt-4o }';
const TYPE = 'type: azure-openai';

/** What the design has and this build has not. */
const refused: [part: string, replacement: string, name: string][] = [
  [PII, 'piiMasking: { email: true, creditCard: true }', 'piiMasking.creditCard'],
  [PII, 'piiMasking: { email: true, iban: true }', 'piiMasking.iban'],
  [PII, 'piiMasking: { email: true, ipAddress: true }', 'piiMasking.ipAddress'],
  [PII, 'piiMasking: { email: true, url: true }', 'piiMasking.url'],
  [PII, 'piiMasking: { email: true, secrets: true }', 'piiMasking.secrets'],
  [PII, 'piiMasking: { email: true, nationalIds: [DE] }', 'piiMasking.nationalIds'],
  [PII, 'piiMasking: { email: true, custom: [{ entity: BADGE, regex: "b[0-9]" }] }', 'piiMasking.custom'],
  [PII, 'piiMasking: { email: true, restore: true }', 'piiMasking.restore'],
  [PII, 'piiMasking: { email: true, direction: response }', 'piiMasking.direction response'],
  [PII, 'piiMasking: { email: true, showAssessment: true }', 'piiMasking.showAssessment'],
  [CACHE, 'semanticCache: { embedder: OPENAI }', 'semanticCache.embedder OPENAI'],
  [CACHE, 'semanticCache: { embedder: AZURE_OPENAI }', 'semanticCache.embedder AZURE_OPENAI'],
  [CACHE, 'semanticCache: { embedder: MISTRAL }', 'semanticCache.embedder MISTRAL'],
  [CACHE, 'semanticCache: { store: MILVUS }', 'semanticCache.store MILVUS'],
  [CACHE, 'semanticCache: { shadow: true }', 'semanticCache.shadow'],
  [CACHE, 'semanticCache: { mode: shadow }', 'semanticCache.mode'],
  [ROTATION, 'models: [{ model: gpt-4o, priority: 3 }', 'modelRotation.models[0].priority'],
  [CACHE, 'promptGuard: { injection: true }', 'guardrails[1].promptGuard'],
  [TYPE, 'type: mistral', 'providers[0].type mistral'],
  [TYPE, 'type: bedrock', 'providers[0].type bedrock'],
  [TYPE, 'type: vertex', 'providers[0].type vertex'],
  [TYPE, 'type: gemini', 'providers[0].type gemini'],
  [TYPE, 'type: ollama', 'providers[0].type ollama'],
  [TYPE, 'allowedPaths: [/v1/files]\n    type: azure-openai', 'providers[0].allowedPaths'],
  ['version: v1.0', 'capture: masked', 'proxies[0].capture'],
  ['version: v1.0', 'limits: []', 'proxies[0].limits'],
];

for (const [part, replacement, name] of refused) {
  test(`refuses by name: ${replacement}`, () => {
    const text = exampleWith(part, replacement);
    const faults = faultsOf(text);
    assert.equal(faults.length, 1, faults.join('\n'));
    const [fault = ''] = faults;
    assert.ok(fault.startsWith(`- line ${lineWith(text, replacement)}: `), fault);
    assert.ok(fault.includes(name), fault);
    assert.match(fault, /not enforce/);
  });
}

interface Part {
  properties?: Record<string, Part>;
  not?: object;
  const?: unknown;
}

/** Every setting that the published schema refuses, or lets be switched off only, by its path. */
function refusedBySchema(part: Part, at = ''): string[] {
  const nested = Object.entries(part).filter(([name, value]) => name !== 'properties' && typeof value === 'object');
  return [
    ...(part.not || part.const === false ? [at] : []),
    ...Object.entries(part.properties ?? {}).flatMap(([name, value]) => refusedBySchema(value, `${at}.${name}`)),
    ...nested.flatMap(([, value]) => refusedBySchema(value as Part, at)),
  ];
}

test('each setting that the schema refuses is refused above', () => {
  const shown = refused.map(([, , name]) => `.${name.replace(/\[\d+\]/g, '').split(' ')[0]}`);
  const settings = refusedBySchema(JSON.parse(JSON.stringify(configJsonSchema())));
  assert.ok(settings.length >= 15, settings.join('\n'));
  const missing = settings.filter((setting) => !shown.some((name) => setting.endsWith(name)));
  assert.deepEqual(missing, []);
});

test('what is switched off is fine, as this build does not do it anyway', () => {
  const pii = 'piiMasking: { email: true, creditCard: false, restore: false, direction: request, mode: mask }';
  assert.deepEqual(faultsOf(exampleWith(PII, pii)), []);
  assert.deepEqual(faultsOf(exampleWith(CACHE, 'semanticCache: { embedder: LOCAL, store: REDIS, shadow: false }')), []);
});
