import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { startProgress } from '../host/progress.mjs';

const run = promisify(execFile);
const timeoutMs = 5_000;

/** Whether a Docker engine answers this user. */
export async function dockerAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { env, timeout: timeoutMs });
    return true;
  } catch {
    return false;
  }
}

/**
 * Fetches an image that is not there yet. An engine's start would do it too, but within the time that a start may take, and
 * unseen. @throws when the registry does not give it
 */
export async function pullImage(image: string, env: NodeJS.ProcessEnv): Promise<void> {
  const present = await run('docker', ['image', 'inspect', image], { env }).then(
    () => true,
    () => false,
  );
  if (present) return;
  const progress = startProgress(`fetching the image ${image}`);
  try {
    await run('docker', ['pull', '--quiet', image], { env });
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  }
}

export interface ContainerPlan {
  home: string;
  name: string;
  image: string;
  /** The port on this machine's loopback address, and the one inside. */
  port: number;
  portInside: number;
  /** A folder of the home folder and where it stands inside; its files keep this user as their owner. */
  folder: string;
  folderInside: string;
  /** Names of variables that the container gets from the environment of the command (never on the command line). */
  passEnv?: readonly string[];
  /** Instead of the image's own. */
  entrypoint?: string;
  args: readonly string[];
}

/** A name that no other installation on this machine uses. */
function containerName(home: string, name: string): string {
  return `tollgate-${createHash('sha256').update(home).digest('hex').slice(0, 8)}-${name}`;
}

/** The command that runs a container in the foreground: SIGTERM to it stops the container. */
export function containerCommand(plan: ContainerPlan): string[] {
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`] : [];
  const env = (plan.passEnv ?? []).flatMap((name) => ['--env', name]);
  return [
    ...['docker', 'run', '--rm', '--init', '--name', containerName(plan.home, plan.name)],
    ...['--publish', `127.0.0.1:${plan.port}:${plan.portInside}`],
    ...['--volume', `${plan.folder}:${plan.folderInside}`],
    ...user,
    ...env,
    ...(plan.entrypoint ? ['--entrypoint', plan.entrypoint] : []),
    plan.image,
    ...plan.args,
  ];
}

/** Removes the container of that name, whatever state it is in: a killed `docker run` leaves it behind. */
export async function removeContainer(home: string, name: string): Promise<void> {
  await run('docker', ['rm', '--force', containerName(home, name)]).catch(() => {});
}
