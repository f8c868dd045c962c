import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, freePort } from '@tollgate/engines';
import { npm } from '@tollgate/engines/host/npm';
import { startProgress } from '@tollgate/engines/host/progress';
import { type Contender, end } from './contender.ts';
import { apiKey } from './simple.ts';

const version = '1.15.2';
/** Its range takes 1.19 too, with which it answers every stream with a 500 ("TypeError: immutable" at its headers). */
const honoServer = '1.13.8';
const startMsMax = 20_000;

/** Portkey's open-source gateway from npm, passing through: no key of its own, no budget, no cache. */
export async function portkey(upstreamUrl: string): Promise<Contender> {
  const folder = await installed();
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [path.join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js'), `--port=${port}`, '--headless'],
    {
      stdio: 'ignore',
      env: { ...process.env, NODE_ENV: 'production', PORT: String(port), TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    },
  );
  const address = `http://127.0.0.1:${port}`;
  await untilAnswering(address);
  return {
    name: 'Portkey',
    url: `${address}/v1/chat/completions`,
    headers: {
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${new URL(upstreamUrl).origin}/openai/v1`,
      authorization: `Bearer ${apiKey}`,
    },
    processes: async () => new Map([['portkey', [child.pid as number]]]),
    stop: () => end(child),
  };
}

async function installed(): Promise<string> {
  const folder = path.join(cacheFolder(process.env), `portkey-${version}-${honoServer}`);
  if (!existsSync(path.join(folder, 'complete'))) {
    mkdirSync(folder, { recursive: true });
    const manifest = { private: true, overrides: { '@hono/node-server': honoServer } };
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    const progress = startProgress(`fetching Portkey's gateway ${version}`);
    try {
      await npm(
        [
          'install',
          '--prefix',
          folder,
          '--ignore-scripts',
          '--no-audit',
          '--no-fund',
          `@portkey-ai/gateway@${version}`,
        ],
        { cwd: folder },
      );
    } catch (error) {
      progress.failed();
      throw error;
    }
    writeFileSync(path.join(folder, 'complete'), '');
    progress.done();
  }
  return folder;
}

async function untilAnswering(address: string): Promise<void> {
  for (const givenUpAt = Date.now() + startMsMax; ; ) {
    if (
      await fetch(address).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    if (Date.now() > givenUpAt) throw new Error(`Portkey does not answer on ${address}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
