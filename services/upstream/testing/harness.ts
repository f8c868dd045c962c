import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bus, connectBus } from '@tollgate/bus';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import type { Check, Scope } from '@tollgate/lifecycle';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { type AzureSimulator, type AzureSimulatorOptions, startAzureSimulator } from '@tollgate/testing/azure';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';

import { start } from '../service.ts';
import { Peer } from './peer.ts';

export interface ServiceUnderTest {
  replica: string;
  /** What every readiness check says. */
  checks(): ReturnType<Check>[];
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const key = 'azure-simulator-key';
/** What response ids are sealed with. */
export const responseIdKey = 'a-secret-of-the-tests-and-of-nobody';

const defaultPrices = `
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, cachedPrompt: 0.075, completion: 0.60 }`;

const defaultModels =
  '[{ name: gpt-4o, deployment: gpt-4o, baseModel: gpt-4o }, { name: mini, deployment: gpt-4o-mini, baseModel: gpt-4o-mini }]';

/** Real NATS, the Azure simulator, a configuration, and somebody who plays pipeline and ingress. */
export class Harness {
  readonly simulator: AzureSimulator;
  readonly peer: Peer;
  readonly bus: Bus;
  readonly #engines: TestEngines;
  readonly #folder: string;
  readonly #services: ServiceUnderTest[] = [];
  #revision = 0;

  private constructor(engines: TestEngines, simulator: AzureSimulator, bus: Bus, peer: Peer, folder: string) {
    this.#engines = engines;
    this.simulator = simulator;
    this.bus = bus;
    this.peer = peer;
    this.#folder = folder;
  }

  static async start(options: AzureSimulatorOptions = {}): Promise<Harness> {
    const [engines, simulator] = await Promise.all([startEngines({ only: ['nats'] }), startAzureSimulator(options)]);
    const { user, password } = engines.nats.credentials;
    const metrics = createMetrics('test');
    const env = { url: engines.nats.address, user, password };
    const bus = await connectBus({ env, service: 'test', replica: 'test', logger, metrics });
    await bus.ensureTopology({ replicas: 1, usageBytesMax: 64 * 1024 * 1024 });
    const folder = await mkdtemp(path.join(tmpdir(), 'upstream-test-'));
    await writeFile(path.join(folder, 'key'), `${key}\n`, { mode: 0o600 });
    const harness = new Harness(engines, simulator, bus, await Peer.start(bus), folder);
    await harness.apply();
    await harness.#loadTokenizer();
    return harness;
  }

  /** It takes seconds of this process's time where the machine is busy, and the provider would seem silent. */
  async #loadTokenizer(): Promise<void> {
    const { address, apiKey } = this.simulator;
    const response = await fetch(`${address}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'api-key': apiKey },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    if (!response.ok) throw new Error(await response.text());
    this.simulator.reset();
  }

  get engines(): TestEngines {
    return this.#engines;
  }

  /**
   * @param providers further or other providers, as YAML list items
   * @param prices other prices, as YAML entries
   * @param guardrails of the proxy, as a YAML list
   */
  async apply(providers = this.provider('azure'), prices = defaultPrices, guardrails = '[]'): Promise<void> {
    const configuration = `
organization: acme
priceList:${prices}
providers:${providers}
projects:
  - name: sample
    teams: [{ name: engineering }]
    proxies:
      - { name: proxy, version: v1.0, context: /proxy, provider: azure, default: true, guardrails: ${guardrails} }
`;
    this.#revision++;
    const snapshot = resolveConfig(parseConfigFile(configuration), this.#revision, Date.now());
    await this.bus.configStore.apply(snapshot, this.#revision - 1);
    this.peer.revision = this.#revision;
  }

  /** One provider of the configuration file: the simulator, unless told otherwise. */
  provider(
    name: string,
    fields: { type?: string; endpoint?: string; keyFile?: string; apiVersion?: string; models?: string } = {},
  ): string {
    const { type = 'azure-openai', endpoint = this.simulator.address, keyFile = 'key', apiVersion } = fields;
    const { models = defaultModels } = fields;
    const version = apiVersion === undefined ? '' : `\n    apiVersion: "${apiVersion}"`;
    return `
  - name: ${name}
    type: ${type}
    endpoint: ${endpoint}
    apiKey: { file: ${path.join(this.#folder, keyFile)} }${version}
    models: ${models}`;
  }

  /** A replica of the service in this process, with its own connection. */
  async service(replica: string, environment: Record<string, string> = {}): Promise<ServiceUnderTest> {
    const { user, password } = this.#engines.nats.credentials;
    const metrics = createMetrics('upstream');
    const checks: Check[] = [];
    const closes: (() => unknown)[] = [];
    const drains: (() => unknown)[] = [];
    const stopping = new AbortController();
    const scope: Scope = {
      name: 'upstream',
      replica,
      environment: {
        TOLLGATE_NATS_URL: this.#engines.nats.address,
        TOLLGATE_NATS_USER: user,
        TOLLGATE_NATS_PASSWORD: password,
        TOLLGATE_REPLICA: replica,
        TOLLGATE_RESPONSE_ID_KEY: responseIdKey,
        ...environment,
      },
      logger,
      metrics,
      health: { check: (_name, check) => checks.push(check) },
      stopping: stopping.signal,
      defer: (_name, close) => closes.push(close),
      drain: (_name, drain) => drains.push(drain),
      shared: (type) => new type(),
      fail: (error) => {
        throw error;
      },
    };
    await start(scope);
    const service: ServiceUnderTest = {
      replica,
      checks: () => checks.map((check) => check()),
      metrics: () => metrics.text(),
      stop: async () => {
        const at = this.#services.indexOf(service);
        if (at < 0) return;
        this.#services.splice(at, 1);
        stopping.abort();
        await Promise.all(drains.map((drain) => drain()));
        for (const close of closes.reverse()) await close();
      },
    };
    this.#services.push(service);
    return service;
  }

  async close(): Promise<void> {
    for (const service of [...this.#services]) await service.stop();
    await this.peer.stop();
    await this.bus.close();
    await Promise.all([this.simulator.close(), this.#engines.close()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
