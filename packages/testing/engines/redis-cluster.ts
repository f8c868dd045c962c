import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder, type Engine, freePort, privateFolder, redisEngine, writePrivateFile } from '@tollgate/engines';
import { withoutEngineUrls } from './processes.ts';

export interface TestRedisCluster {
  /** Of its three primaries, with credentials, which are the same for all. Each serves a third of the slots. */
  urls: string[];
  /** Of one replica of each primary, in the same order; empty without `replicas`. */
  replicaUrls: string[];
  /** Ends a node with SIGKILL. */
  kill(url: string): Promise<void>;
  /** Stops all of them and removes their data. */
  close(): Promise<void>;
}

interface Node {
  id: string;
  busPort: number;
  engine: Engine;
  folder: string;
  /** Which third of the slots is its own, or its primary's. */
  part: number;
  isReplica: boolean;
}

const slots = ['0-5460', '5461-10922', '10923-16383'];
/** Without an answer for so long a node counts as failed, milliseconds. */
const nodeTimeoutMs = 1000;

/**
 * Three primaries as processes, from the program that budgets run on; they know each other from the start.
 * @param options.replicas a replica beside each, which takes over within seconds when its primary fails
 */
export async function startRedisCluster({ replicas = false } = {}): Promise<TestRedisCluster> {
  const home = await mkdtemp(path.join(tmpdir(), 'tollgate-test-'));
  const password = randomBytes(18).toString('base64url');
  const nodes: Node[] = [];
  const close = async () => {
    await Promise.all(nodes.map(({ engine }) => engine.stop()));
    await rm(home, { recursive: true, force: true });
  };
  try {
    for (const isReplica of replicas ? [false, true] : [false]) {
      for (const part of slots.keys()) {
        const nodeHome = privateFolder(home, `${isReplica ? 'replica' : 'primary'}-${part}`);
        nodes.push({ ...(await makeNode(nodeHome, password)), part, isReplica });
      }
    }
    for (const node of nodes) {
      const lines = nodes.map((other) => lineOf(other, nodes, other === node));
      const text = `${lines.join('\n')}\nvars currentEpoch 3 lastVoteEpoch 0\n`;
      writePrivateFile(path.join(node.folder, 'nodes.conf'), text);
    }
    await Promise.all(nodes.map(({ engine }) => engine.start()));
  } catch (error) {
    await close();
    throw error;
  }
  const urlsOf = (wanted: boolean) =>
    nodes.filter(({ isReplica }) => isReplica === wanted).map(({ engine }) => engine.url);
  return {
    urls: urlsOf(false),
    replicaUrls: urlsOf(true),
    kill: async (url) => nodes.find(({ engine }) => engine.url === url)?.engine.kill(),
    close,
  };
}

async function makeNode(home: string, password: string) {
  writePrivateFile(path.join(home, 'credentials.json'), JSON.stringify({ redis: password }));
  const context = { home, cache: cacheFolder(), env: withoutEngineUrls(process.env), supervised: false };
  const busPort = await freePort();
  const engine = await redisEngine(context, 'redis', [
    ...['cluster-enabled yes', `cluster-port ${busPort}`, 'cluster-config-file nodes.conf'],
    ...[`cluster-node-timeout ${nodeTimeoutMs}`, `masterauth ${password}`],
    // However old what it has is: a stale replica is what a budget has to survive.
    'cluster-replica-validity-factor 0',
  ]);
  const folder = privateFolder(privateFolder(home, 'redis'), 'data');
  return { id: randomBytes(20).toString('hex'), busPort, engine, folder };
}

/** Of nodes.conf. */
function lineOf({ id, busPort, engine, part, isReplica }: Node, nodes: readonly Node[], isMyself: boolean): string {
  const primary = nodes.find((node) => node.part === part && !node.isReplica);
  const role = isReplica ? `slave ${primary?.id}` : 'master -';
  const address = `127.0.0.1:${new URL(engine.url).port}@${busPort}`;
  const served = isReplica ? '' : ` ${slots[part]}`;
  return `${id} ${address} ${isMyself ? 'myself,' : ''}${role} 0 0 ${part + 1} connected${served}`;
}
