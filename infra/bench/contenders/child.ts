import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a Node program that says `{type: 'ready', address}` over IPC. */
export async function startWithIpc(
  file: string,
  env: NodeJS.ProcessEnv,
  args: string[] = [],
): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${file} did not start`))),
  ])) as [{ address: string }];
  return { child, address: message.address };
}
