import path from 'node:path';
import { startWithIpc } from './child.ts';
import { type Contender, end } from './contender.ts';

export const apiKey = 'bench';
const chatPath = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';

/** The provider without delay: what is added is counted over it. */
export async function bareUpstream(): Promise<Contender> {
  const file = path.resolve(import.meta.dirname, '../../../packages/testing/azure/main.ts');
  const { child, address } = await startWithIpc(file, {
    TOLLGATE_SIM_ZERO_DELAY: 'true',
    TOLLGATE_SIM_API_KEY: apiKey,
  });
  return {
    name: 'upstream alone',
    url: `${address}${chatPath}`,
    headers: { 'api-key': apiKey },
    processes: async () => new Map([['upstream', [child.pid as number]]]),
    stop: () => end(child),
  };
}

export async function fastifyProxy(upstreamUrl: string): Promise<Contender> {
  const file = path.join(import.meta.dirname, 'fastify-proxy.ts');
  const { child, address } = await startWithIpc(file, {}, [new URL(upstreamUrl).origin, apiKey]);
  return {
    name: 'Fastify proxy',
    url: `${address}${chatPath}`,
    headers: {},
    processes: async () => new Map([['proxy', [child.pid as number]]]),
    stop: () => end(child),
  };
}
