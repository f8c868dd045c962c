import path from 'node:path';
import {
  cacheFolder,
  clickhousePlace,
  type Engine,
  type EngineContext,
  endLeftovers,
  type ManagedProcessEvent,
  privateFolder,
  repositoryFolder,
} from '@tollgate/engines';
import { AdminClient } from './admin-client.ts';
import { Closers } from './closers.ts';
import type { LauncherConfig } from './config.ts';
import { controlRoutes } from './control/routes.ts';
import { serveControl } from './control/server.ts';
import { composeStatus, type Status } from './control/status.ts';
import { type StoreEngines, storeEngines } from './engines.ts';
import { type ServiceKind, serviceKinds } from './services.ts';
import { keptCertificate } from './start/certificate.ts';
import { applyWhenChanged, firstKey, type StartConfiguration, startConfiguration } from './start/configuration.ts';
import { adminToken, responseIdKey } from './start/kept-state.ts';
import { Ledger } from './start/ledger.ts';
import { migrateLedger } from './start/migrate.ts';
import { buildPages } from './start/pages.ts';
import { ownPorts, type Ports, reachableHost } from './start/ports.ts';
import { allReady } from './start/ready.ts';
import { simulatorReplica } from './start/simulator.ts';
import type { Replica } from './supervisor/replica.ts';
import { type Installation, serviceEnvironment } from './supervisor/service-environment.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { processEnvironmentOf } from './together/environment.ts';
import { processesOf } from './together/groups.ts';

export interface LauncherOptions {
  config: LauncherConfig;
  /** Given on to upstream, and in part to the others. */
  environment: NodeJS.ProcessEnv;
  /** A line for the operator. */
  say: (text: string) => void;
  /** The program of a service. Default: its main.ts in this repository. */
  fileOf?: (service: string) => string;
}

export interface Started {
  status: Status;
  key: string | undefined;
  model: string | undefined;
}

const serviceFile = (service: string) => path.join(repositoryFolder, 'services', service, 'main.ts');
const togetherFile = path.join(repositoryFolder, 'infra', 'launcher', 'together', 'main.ts');

/** One installation: its engines, services and simulator, from nothing to a ready gateway and back. */
export class Launcher {
  readonly #config: LauncherConfig;
  readonly #options: LauncherOptions;
  readonly #closers = new Closers();
  readonly #stopping = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  #ports: Ports | undefined;
  #stores: StoreEngines | undefined;
  #ledger: Ledger | undefined;
  #clickhouseUrl = '';
  #supervisor: Supervisor | undefined;
  #simulator: { replica: Replica; url: string; apiKey: string } | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Resolves when everything is down, whoever asked for that. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** Resolves when the gateway takes requests. Rejects with a message for the operator; then `stop` clears up. */
  async start(): Promise<Started> {
    const { home } = this.#config;
    privateFolder(home);
    const control = await serveControl(home, this.#routes());
    this.#closers.add(() => control.close());
    await this.#endLeftovers();
    this.#ports = await ownPorts(this.#config);
    const context: EngineContext = {
      home,
      cache: cacheFolder(this.#options.environment),
      env: this.#options.environment,
      supervised: true,
      onEvent: this.#onEvent,
    };
    this.#clickhouseUrl = this.#options.environment.TOLLGATE_CLICKHOUSE_URL || (await clickhousePlace(home)).url;
    this.#bringUpLedger(context);
    const [stores, files] = await Promise.all([
      this.#startStores(context),
      this.#certificate(),
      this.#startSimulator(),
      this.#buildPages(),
    ]);
    const configuration = startConfiguration(this.#config, this.#simulator?.url);
    this.#stopping.signal.throwIfAborted();
    const supervisor = this.#supervise(this.#installation(stores, files, this.#ports));
    const key = await this.#startServices(supervisor, configuration);
    await allReady(() => supervisor.status(), this.#stopping.signal);
    return { status: await this.status(), key, model: configuration.model };
  }

  /** Drains and ends everything in order; a second call with `now` ends what is left at once. */
  async stop({ now = false } = {}): Promise<void> {
    this.#stopping.abort(new Error('Tollgate is stopping.'));
    await this.#closers.closeAll({ now });
    this.#stopped.resolve();
  }

  async status(): Promise<Status> {
    const stores = this.#stores;
    return composeStatus({
      host: reachableHost(this.#config.host),
      home: this.#config.home,
      ports: this.#ports,
      clickhouseUrl: this.#clickhouseUrl,
      simulatorUrl: this.#simulator?.url,
      ledger: this.#ledger?.state,
      services: (await this.#supervisor?.status()) ?? [],
      engines: [stores?.nats, stores?.redis, stores?.cacheRedis, this.#ledger?.engine].filter(
        (engine) => engine !== undefined,
      ),
    });
  }

  get #consoleUrl(): string {
    return `http://${reachableHost(this.#config.host)}:${this.#ports?.consolePort}`;
  }

  async #endLeftovers(): Promise<void> {
    const ended = await endLeftovers(this.#config.home);
    if (ended.length === 0) return;
    const names = ended.map(({ name, pid }) => `${name} (${pid})`).join(', ');
    this.#options.say(`Ended what an earlier start had left running: ${names}`);
  }

  async #startStores(context: EngineContext): Promise<StoreEngines> {
    const stores = await storeEngines(context);
    this.#stores = stores;
    for (const engine of [stores.nats, stores.redis, stores.cacheRedis]) this.#closeEngine(engine);
    this.#stopping.signal.throwIfAborted();
    await Promise.all([stores.nats.start(), stores.redis.start(), stores.cacheRedis.start()]);
    return stores;
  }

  #closeEngine(engine: Engine): void {
    if (engine.source !== 'url') this.#closers.add(({ now }) => engine.stop({ now }));
  }

  #bringUpLedger(context: EngineContext): void {
    const { say } = this.#options;
    const ledger = new Ledger({ context, migrate: migrateLedger, say, signal: this.#stopping.signal });
    this.#ledger = ledger;
    // Registered before the services are, however late the engine comes: they write to it until they are down.
    this.#closers.add(async ({ now }) => {
      if (ledger.engine && ledger.engine.source !== 'url') await ledger.engine.stop({ now });
    });
    void ledger.bringUp(async (engine) => {
      if (engine.url === this.#clickhouseUrl) return;
      // The port that was announced got taken while the engine was fetched.
      this.#clickhouseUrl = engine.url;
      await Promise.all(['analytics', 'console'].map((service) => this.#supervisor?.restart(service)));
    });
  }

  async #certificate() {
    return this.#config.certificate ?? (await keptCertificate(this.#config.home));
  }

  // Without pages the gateway, the admin API and the command line work all the same.
  async #buildPages(): Promise<void> {
    await buildPages().catch((error: Error) => this.#options.say(error.message));
  }

  async #startSimulator(): Promise<void> {
    // It belongs to the built-in demo: a file says itself where its providers are.
    if (this.#config.azure || this.#config.configFile) return;
    const simulator = await simulatorReplica(this.#config.home, this.#options.environment, this.#onEvent);
    this.#simulator = simulator;
    this.#closers.add(({ now }) => simulator.replica.process.stop({ now }));
    await simulator.replica.process.start();
  }

  #installation(stores: StoreEngines, files: { certFile: string; keyFile: string }, ports: Ports): () => Installation {
    return () => ({
      natsAddress: stores.nats.address,
      natsUserFor: (service) => stores.nats.userFor(service),
      redisUrl: stores.redis.url,
      cacheRedisUrl: stores.cacheRedis.url,
      clickhouseUrl: this.#clickhouseUrl,
      host: this.#config.host,
      ...ports,
      ...files,
      adminToken: adminToken(this.#config.home, this.#config.adminToken),
      responseIdKey: responseIdKey(this.#config.home, this.#config.responseIdKey),
      providerCredentials: this.#simulator ? { AZURE_OPENAI_API_KEY: this.#simulator.apiKey } : {},
    });
  }

  #supervise(installation: () => Installation): Supervisor {
    const supervisor = new Supervisor({
      home: this.#config.home,
      kinds: processesOf(serviceKinds, this.#config.together),
      fileOf: (kind) => (kind.members ? togetherFile : (this.#options.fileOf ?? serviceFile)(kind.name)),
      environmentOf: (kind, replica) => this.#environmentOf(kind, replica, installation()),
      onEvent: this.#onEvent,
    });
    this.#supervisor = supervisor;
    this.#closers.add(({ now }) => supervisor.stop({ now }));
    return supervisor;
  }

  #environmentOf(kind: ServiceKind, replica: string, installation: Installation): NodeJS.ProcessEnv {
    const { environment } = this.#options;
    if (!kind.members) return serviceEnvironment(kind, replica, installation, environment);
    const number = replica.slice(kind.name.length);
    const members = kind.members.map((member) => ({
      name: member.name,
      environment: serviceEnvironment(member, member.name + number, installation, environment),
    }));
    return processEnvironmentOf(members);
  }

  // The configuration is applied as soon as the console answers: other services may only be ready with one.
  async #startServices(supervisor: Supervisor, { source }: StartConfiguration): Promise<string | undefined> {
    const { home } = this.#config;
    const started = supervisor.start();
    const prepare = async () => {
      await supervisor.started('console');
      const admin = new AdminClient(this.#consoleUrl, adminToken(home, this.#config.adminToken));
      for (const line of await applyWhenChanged(home, admin, source)) this.#options.say(line);
      return firstKey(home, admin);
    };
    const [key] = await Promise.all([prepare(), started]);
    return key;
  }

  readonly #onEvent = (event: ManagedProcessEvent): void => {
    if (event.type !== 'crashed' || this.#stopping.signal.aborted) return;
    const again =
      event.restartInMs === undefined
        ? ''
        : `; starting it again${event.restartInMs > 0 ? ` in ${event.restartInMs / 1000} s` : ''}`;
    this.#options.say(`${event.name}: ${event.how}${again}`);
  };

  #routes() {
    const missing = () => new Error('Tollgate is still starting.');
    return controlRoutes({
      status: () => this.status(),
      supervisor: () => {
        if (!this.#supervisor) throw missing();
        return this.#supervisor;
      },
      engine: (name) => {
        const engines: Record<string, Engine | undefined> = { ...this.#stores, clickhouse: this.#ledger?.engine };
        const engine = engines[name];
        if (!engine) throw new Error(`There is no engine ${name} (yet): ${Object.keys(engines).join(', ')}`);
        return engine;
      },
      console: () => ({ url: this.#consoleUrl, token: adminToken(this.#config.home, this.#config.adminToken) }),
      down: () => void this.stop(),
    });
  }
}
