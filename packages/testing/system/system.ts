import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@tollgate/engines';
import { connectAzureSimulator, type RemoteAzureSimulator } from '../azure/index.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const fromHere = [process.execPath, 'infra/launcher/bin/start.mjs'] as const;
const startMsMax = 300_000;
const adminMsMax = 30_000;

export interface Status {
  gatewayUrl: string;
  gatewayTlsUrl: string;
  consoleUrl: string;
  clickhouseUrl: string;
  natsUrl: string;
  redisUrl: string;
  cacheRedisUrl: string;
  simulatorUrl: string | null;
  home: string;
  pid: number;
  ready: boolean;
  ledger: string;
  services: {
    name: string;
    replica: string;
    pid: number | null;
    ready: boolean;
    address: string;
    /** Base URL of its /livez, /readyz and /metrics; null while it has none. */
    health: string | null;
    restarts: number;
  }[];
  engines: { name: string; pid: number | null; version: string; ready: boolean }[];
}

/** A whole Tollgate as a user starts it: `npm start` with a home and ports of its own. */
export class System {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  output = '';

  constructor(home: string, env: NodeJS.ProcessEnv) {
    this.home = home;
    this.env = env;
  }

  /**
   * Runs what `npm start` runs, until the gateway is ready.
   * @param command `['npm', 'start']`: npm and its shell above it too, as in a terminal
   */
  async start(command: readonly [string, ...string[]] = fromHere): Promise<void> {
    const [program, ...args] = command;
    this.output = '';
    const child = spawn(program, args, {
      cwd: root,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    const exited = once(child, 'exit').then(([code]) => {
      throw new Error(`the launcher ended with code ${code}:\n${this.output}`);
    });
    exited.catch(() => {});
    await Promise.race([exited, this.#untilReady(AbortSignal.timeout(startMsMax))]);
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    for (;;) {
      const status = await this.status().catch(() => undefined);
      if (status?.ready && status.ledger === 'ready') return;
      if (signal.aborted) throw new Error(`not ready in time; ledger: ${status?.ledger}\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  status(): Promise<Status> {
    return this.control<Status>('GET', '/status');
  }

  /** The command line, as a user types it. @throws with its output when it fails */
  async cli(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['infra/launcher/bin/tollgate.mjs', ...args], {
      cwd: root,
      env: this.env,
    });
    return stdout;
  }

  async createKey(team: string, name: string): Promise<{ id: string; key: string }> {
    return JSON.parse(await this.#admin('/api/keys', { team, name }));
  }

  /** Makes a configuration (YAML) the next revision. */
  async apply(configuration: string): Promise<void> {
    await this.#admin('/api/apply', { configuration });
  }

  /** Number of the revision that holds. */
  async revision(): Promise<number> {
    return (JSON.parse(await this.#admin('/api/status')) as { revision: number }).revision;
  }

  /** What a statement reads, in one of ClickHouse's formats. */
  query(statement: string, format: string): Promise<string> {
    return this.#admin('/api/sql', { query: statement, format });
  }

  async sql<Row>(query: string): Promise<Row[]> {
    const lines = await this.query(query, 'JSONEachRow');
    return lines
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  }

  /** What the command line asks of the console, without a process for each question. @throws with the answer when it refuses */
  async #admin(target: string, body?: object): Promise<string> {
    const { url, token } = await this.control<{ url: string; token: string }>('GET', '/console');
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await fetch(url + target, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(adminMsMax),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${text}`);
    return text;
  }

  /** The launcher's control socket: kill, stop and start single replicas and engines. */
  async control<T = unknown>(method: string, target: string, body?: unknown): Promise<T> {
    const sent = request({
      socketPath: path.join(this.home, 'control.sock'),
      method,
      path: target,
      headers: { 'content-type': 'application/json' },
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    if (response.statusCode >= 300) throw new Error(`${method} ${target}: ${response.statusCode} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async simulator(): Promise<RemoteAzureSimulator> {
    const { simulatorUrl } = await this.status();
    if (!simulatorUrl) throw new Error('this system does not use the simulator');
    return connectAzureSimulator(simulatorUrl);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ctrl-C or a harder signal; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** A system that is not started yet, with free ports and an empty home. */
export async function newSystem(env: NodeJS.ProcessEnv = {}): Promise<System> {
  const home = await mkdtemp(path.join(tmpdir(), 'tollgate-test-'));
  const [port, tlsPort, consolePort] = [await freePort(), await freePort(), await freePort()];
  const { AZURE_OPENAI_ENDPOINT: _, AZURE_OPENAI_API_KEY: __, ...inherited } = process.env;
  return new System(home, {
    ...inherited,
    TOLLGATE_HOME: home,
    TOLLGATE_PORT: String(port),
    TOLLGATE_TLS_PORT: String(tlsPort),
    TOLLGATE_CONSOLE_PORT: String(consolePort),
    ...env,
  });
}

/** The system that `test/run.ts` started for all end-to-end tests of this run. */
export function sharedSystem(): System {
  const home = process.env.TOLLGATE_HOME;
  if (!home || process.env.TOLLGATE_TEST_SYSTEM !== 'shared') {
    throw new Error('no system is running for this test: use `npm test`, or `node test/run.ts FILE`');
  }
  return new System(home, process.env);
}
