import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { freePort } from '@tollgate/engines';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { newSystem, type System } from '../../support/system.ts';
import { until } from '../../support/until.ts';
import type { Nowhere } from './faults.ts';

export const organization = 'matrix';

/** A model of the configuration: its name, the deployment behind it, and the provider that has it; left out: the simulator. */
interface ModelPlan {
  name: string;
  deployment?: string;
  at?: string | undefined;
}

interface ProxyPlan {
  name: string;
  models: readonly { name: string; at?: string | undefined }[];
  suspendSeconds: number;
  suspendSecondsMax?: number;
  attempts?: number;
}

export interface Plan {
  /** Deployments of the simulator, with the model behind each. */
  deployments: Readonly<Record<string, string>>;
  models: readonly ModelPlan[];
  proxies: readonly ProxyPlan[];
  /** Further providers, by name. */
  endpoints?: Readonly<Record<string, string>>;
  environment?: NodeJS.ProcessEnv;
}

export interface Installation {
  system: System;
  simulator: RemoteAzureSimulator;
  gatewayUrl: string;
  key: string;
  close(): Promise<void>;
}

/** A system of its own whose provider is the simulator, with the models and proxies of the plan, all below one base model. */
export async function startInstallation(plan: Plan): Promise<Installation> {
  const resetting = await resettingServer();
  const system = await newSystem({
    TOLLGATE_SIM_MODELS: Object.entries(plan.deployments)
      .map(([name, model]) => `${name}=${model}`)
      .join(),
    TOLLGATE_SIM_RECORDED_CALLS_MAX: '5000',
    TOLLGATE_ANALYTICS_PAUSE_MS: '200',
    // Where names are looked up in vain, some machines take their time.
    TOLLGATE_UPSTREAM_CONNECT_TIMEOUT_MS: '2000',
    ...plan.environment,
  });
  const close = async () => {
    await system.remove();
    resetting.close();
  };
  try {
    await system.start();
    const { simulatorUrl, gatewayUrl, gatewayTlsUrl } = await system.status();
    const endpoints: Record<Nowhere, string> = {
      refused: `http://127.0.0.1:${await freePort()}`,
      'reset-in-handshake': `https://127.0.0.1:${portOf(resetting)}`,
      // The gateway's own certificate is self-made, and upstream trusts nobody's but the system's.
      'unknown-certificate': gatewayTlsUrl,
      'no-tls': simulatorUrl?.replace('http:', 'https:') ?? '',
      // Reserved for names that never exist (RFC 2606).
      'no-such-name': 'https://provider.invalid',
    };
    const file = path.join(system.home, 'matrix.yaml');
    await writeFile(file, configuration(plan, { simulator: simulatorUrl ?? '', ...endpoints, ...plan.endpoints }));
    await system.cli('apply', '--file', file, '--yes');
    await system.cli('scale', 'guard-router', '2');
    await until('two routers with their store, and all services of the revision', async () => {
      const { ready, services } = await system.status();
      const routers = services.filter((service) => service.name === 'guard-router');
      if (!ready || routers.length !== 2 || services.some((service) => !service.ready)) return undefined;
      // Without the store, which is ready too, each takes turns of its own.
      const stores = await Promise.all(routers.map(({ health }) => redisOf(`${health}/readyz`)));
      return stores.every((store) => store === 'ok') || undefined;
    });
    const { key } = await system.createKey('callers', 'matrix');
    return { system, simulator: await system.simulator(), gatewayUrl, key, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function redisOf(url: string): Promise<unknown> {
  const { checks } = (await (await fetch(url)).json()) as { checks: Record<string, unknown> };
  return checks.redis;
}

/** The provider of the configuration that has a target. */
export const providerOf = ({ at }: { at?: string | undefined }): string => at ?? 'simulator';

function configuration({ models, proxies }: Plan, endpoints: Readonly<Record<string, string>>): string {
  const providers = Object.entries(endpoints).flatMap(([name, endpoint]) => {
    const own = models.filter((model) => providerOf(model) === name);
    if (own.length === 0) return [];
    return [
      `  - name: ${name}`,
      '    type: azure-openai',
      `    endpoint: ${endpoint}`,
      '    apiKey: { env: AZURE_OPENAI_API_KEY }',
      '    models:',
      ...own.map(
        ({ name: model, deployment = model }) =>
          `      - { name: ${model}, deployment: ${deployment}, baseModel: gpt-4o }`,
      ),
    ];
  });
  return [
    `organization: ${organization}`,
    'priceList:',
    '  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }',
    'providers:',
    ...providers,
    'projects:',
    '  - name: faults',
    '    teams: [{ name: callers }]',
    '    proxies:',
    ...proxies.flatMap(({ name, models: targets, suspendSeconds, suspendSecondsMax = 300, attempts = 2 }) => [
      `      - name: ${name}`,
      `        context: /${name}`,
      '        provider: simulator',
      '        guardrails:',
      '          - piiMasking: { email: true }',
      '          - modelRotation:',
      `              models: [${targets.map((target) => `{ model: ${target.name}, provider: ${providerOf(target)} }`).join(', ')}]`,
      `              suspendDurationSeconds: ${suspendSeconds}`,
      `              maxSuspendSeconds: ${suspendSecondsMax}`,
      `              attempts: ${attempts}`,
    ]),
    '',
  ].join('\n');
}

/** Accepts, and resets as soon as the caller begins its handshake. */
async function resettingServer(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.resetAndDestroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}
