import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, isFree } from '@tollgate/engines';
import { docker } from './docker.ts';

const root = path.resolve(import.meta.dirname, '../..');
const clickhouseDev = 'infra/docker/compose.clickhouse-dev.yml';

export interface Container {
  name: string;
  service: string;
  state: string;
  health: string;
}

/** docker-compose.yml with the demo's profile, as a project of its own: free ports, fresh credentials, images of its own. */
export class Composition {
  readonly gatewayUrl: string;
  readonly consoleUrl: string;
  readonly #project: string;
  readonly #folder: string;
  readonly #files: string[];

  private constructor(folder: string, ports: { gateway: number; console: number }, officialClickHouse: boolean) {
    this.gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
    this.consoleUrl = `http://127.0.0.1:${ports.console}`;
    this.#project = `tollgate-test-${randomBytes(4).toString('hex')}`;
    this.#folder = folder;
    this.#files = ['docker-compose.yml', ...(officialClickHouse ? [] : [clickhouseDev])];
  }

  /** Nothing is started yet. */
  static async make({ officialClickHouse }: { officialClickHouse: boolean }): Promise<Composition> {
    const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-compose-'));
    const file = path.join(folder, '.env');
    execFileSync(process.execPath, [path.join(root, 'infra/docker/make-env.mjs'), file]);
    const ports = { gateway: await freePair(), console: await freePair() };
    const own = [
      `TOLLGATE_PORT=${ports.gateway}-${ports.gateway + 1}`,
      `TOLLGATE_CONSOLE_PORT=${ports.console}-${ports.console + 1}`,
      // An image that somebody runs keeps its name.
      'TOLLGATE_IMAGE=tollgate/service:test',
    ];
    appendFileSync(file, `${own.join('\n')}\n`);
    return new Composition(folder, ports, officialClickHouse);
  }

  get adminToken(): string {
    const text = readFileSync(path.join(this.#folder, '.env'), 'utf8');
    return /^TOLLGATE_ADMIN_TOKEN=(.*)$/m.exec(text)?.[1] ?? '';
  }

  /** `docker compose ARGS` on this project. */
  run(...args: string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ['--file', file]);
    const place = ['--project-name', this.#project, '--env-file', path.join(this.#folder, '.env')];
    return docker('compose', ...place, ...files, '--profile', 'demo', '--progress', 'plain', ...args);
  }

  /** The gateway by the port that its one replica has now: Docker takes any of the two. */
  async gateway(): Promise<string> {
    return `http://${(await this.run('port', 'ingress', '8080')).trim()}`;
  }

  /** The command line in its container. */
  tollgate(...args: string[]): Promise<string> {
    return this.run('run', '--rm', '--no-TTY', '--quiet-pull', 'cli', ...args);
  }

  async containers(): Promise<Container[]> {
    const lines = (await this.run('ps', '--all', '--format', 'json')).trim().split('\n').filter(Boolean);
    return lines.map((line) => {
      const { Name, Service, State, Health } = JSON.parse(line);
      return { name: Name, service: Service, state: State, health: Health };
    });
  }

  /** Containers, networks, data and the folder; returns the names of containers that are left all the same. */
  async remove(): Promise<string[]> {
    await this.run('--profile', 'cli', 'down', '--volumes', '--remove-orphans');
    const mine = ['--filter', `label=com.docker.compose.project=${this.#project}`];
    const left = await docker('ps', '--all', '--quiet', ...mine);
    rmSync(this.#folder, { recursive: true, force: true });
    return left.trim().split('\n').filter(Boolean);
  }
}

/** The first of two ports: two replicas with a published one each. */
async function freePair(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (await isFree(port + 1)) return port;
  }
}
