import path from 'node:path';
import { keptPassword } from './credentials.ts';
import { plainEnvironment } from './environment.ts';
import { externalNats } from './external.ts';
import { natsConfiguration } from './nats-configuration.ts';
import { keptPort } from './ports.ts';
import { privateFolder, writePrivateFile } from './private-file.ts';
import { probeNats } from './probes/nats.ts';
import { until } from './probes/until.ts';
import { dieWithParent } from './process/die-with-parent.ts';
import { processEngine } from './process-engine.ts';
import { containerCommand } from './programs/docker.ts';
import { findProgram } from './programs/find.ts';
import type { EngineContext, EngineUser, NatsEngine, NatsUser } from './types.ts';

const folderInside = '/tollgate';
const portInside = 4222;

/**
 * NATS with JetStream on a private port and folder, with one account and these users. Not started yet. TOLLGATE_NATS_URL
 * names another one instead. The first user is the one that `url` carries.
 */
export async function natsEngine(context: EngineContext, users: readonly NatsUser[]): Promise<NatsEngine> {
  const { home, cache, env } = context;
  if (env.TOLLGATE_NATS_URL) return externalNats(env.TOLLGATE_NATS_URL);
  const [first] = users;
  if (!first) throw new RangeError('NATS needs at least one user');
  const program = await findProgram('nats', cache, env);
  const port = await keptPort(home, 'nats');
  const folder = privateFolder(home, 'nats');
  const inContainer = program.kind === 'docker';
  const userFor = (service: string): EngineUser => {
    if (!users.some(({ name }) => name === service)) throw new RangeError(`NATS has no user ${service}`);
    return { name: service, password: keptPassword(home, `nats.${service}`) };
  };
  const configure = () => {
    privateFolder(folder, 'data');
    const passwords = users.map((user) => ({ ...user, password: userFor(user.name).password }));
    const place = inContainer
      ? { listen: `0.0.0.0:${portInside}`, folder: folderInside }
      : { listen: `127.0.0.1:${port}`, folder };
    writePrivateFile(path.join(folder, 'nats.conf'), natsConfiguration(place, passwords));
  };
  const command = () =>
    inContainer
      ? containerCommand({
          ...{ home, name: 'nats', image: program.image, port, portInside, folder, folderInside },
          args: ['-c', `${folderInside}/nats.conf`],
        })
      : [...program.command, '-c', path.join(folder, 'nats.conf')];
  const { name, password } = userFor(first.name);
  const engine = processEngine(context, {
    name: 'nats',
    url: `nats://${name}:${password}@127.0.0.1:${port}`,
    version: program.version,
    source: program.source,
    plan: () => {
      configure();
      return { command: dieWithParent(command()), env: plainEnvironment(env) };
    },
    waitReady: (_child, signal) => until(() => probeNats({ host: '127.0.0.1', port }), signal).then(() => {}),
  });
  return Object.assign(engine, { name: 'nats' as const, address: `nats://127.0.0.1:${port}`, userFor });
}
