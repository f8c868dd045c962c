import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder, type Engine, freePort, privateFolder, redisEngine, writePrivateFile } from '@tollgate/engines';
import { withoutEngineUrls } from './processes.ts';

export interface TestRedisCluster {
  /** Of its three nodes, with credentials. Each serves a third of the slots. */
  urls: string[];
  /** Stops all of them and removes their data. */
  close(): Promise<void>;
}

const slots = ['0-5460', '5461-10922', '10923-16383'];

/** Three primaries as processes, from the program that budgets run on; they know each other from the start. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const home = await mkdtemp(path.join(tmpdir(), 'tollgate-test-'));
  const nodes: { id: string; busPort: number; engine: Engine; folder: string }[] = [];
  const close = async () => {
    await Promise.all(nodes.map(({ engine }) => engine.stop()));
    await rm(home, { recursive: true, force: true });
  };
  try {
    for (const place of slots.keys()) {
      const nodeHome = path.join(home, String(place));
      const context = {
        home: nodeHome,
        cache: cacheFolder(),
        env: withoutEngineUrls(process.env),
        supervised: false,
      };
      const busPort = await freePort();
      const settings = ['cluster-enabled yes', `cluster-port ${busPort}`, 'cluster-config-file nodes.conf'];
      const engine = await redisEngine(context, 'redis', settings);
      const folder = privateFolder(privateFolder(nodeHome, 'redis'), 'data');
      nodes.push({ id: randomBytes(20).toString('hex'), busPort, engine, folder });
    }
    for (const { folder, id } of nodes) {
      const lines = nodes.map(({ id: each, busPort, engine: { url } }, place) => {
        const role = each === id ? 'myself,master' : 'master';
        return `${each} 127.0.0.1:${new URL(url).port}@${busPort} ${role} - 0 0 ${place + 1} connected ${slots[place]}`;
      });
      writePrivateFile(path.join(folder, 'nodes.conf'), `${lines.join('\n')}\nvars currentEpoch 3 lastVoteEpoch 0\n`);
    }
    await Promise.all(nodes.map(({ engine }) => engine.start()));
    return { urls: nodes.map(({ engine }) => engine.url), close };
  } catch (error) {
    await close();
    throw error;
  }
}
