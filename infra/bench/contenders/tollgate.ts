import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newSystem } from '@tollgate/testing/system';
import type { Contender } from './contender.ts';
import { apiKey } from './simple.ts';

/** Everything on: key, limit, PII masking, cache lookup (all of the load's questions miss), rotation over two models. */
const configuration = (upstreamUrl: string) => `organization: bench
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, cachedPrompt: 0.075, completion: 0.60 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: ${new URL(upstreamUrl).origin}
    apiKey: { env: TOLLGATE_BENCH_UPSTREAM_KEY }
    apiVersion: "2024-10-21"
    models: [gpt-4o, gpt-4o-mini]
projects:
  - name: bench
    teams:
      - name: bench
        limits: [{ tokens: 1000000000000, window: 1d, mode: hard }]
    proxies:
      - name: bench
        version: v1.0
        context: /bench
        provider: azure-openai
        default: true
        guardrails:
          - piiMasking: { email: true, phone: true, ssn: true }
          - semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }
          - modelRotation: { strategy: round-robin, models: [{ model: gpt-4o }, { model: gpt-4o-mini }] }
`;

/** The whole system as `npm start` runs it: by default one process a service; `together` is TOLLGATE_TOGETHER. */
export async function tollgate(upstreamUrl: string, name: string, together = ''): Promise<Contender> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-bench-'));
  const file = path.join(folder, 'tollgate.yaml');
  await writeFile(file, configuration(upstreamUrl));
  const system = await newSystem({
    TOLLGATE_CONFIG: file,
    TOLLGATE_BENCH_UPSTREAM_KEY: apiKey,
    TOLLGATE_LOG_LEVEL: 'warn',
    TOLLGATE_TOGETHER: together,
  });
  await system.start();
  const { gatewayUrl } = await system.status();
  const { key } = await system.createKey('bench', 'bench');
  return {
    name,
    url: `${gatewayUrl}/v1/chat/completions`,
    headers: { 'x-api-key': key },
    processes: async () => {
      const { services, engines } = await system.status();
      const namesOf = new Map<number, string[]>();
      for (const { name, pid } of [...services, ...engines])
        if (pid) namesOf.set(pid, [...(namesOf.get(pid) ?? []), name]);
      const found = new Map<string, number[]>();
      for (const [pid, names] of namesOf) {
        const process = names.join('+');
        found.set(process, [...(found.get(process) ?? []), pid]);
      }
      return found;
    },
    stop: async () => {
      await system.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
