import path from 'node:path';
import { ManagedProcess, type ManagedProcessOptions, type ProcessPlan } from './process/managed-process.ts';
import { removeContainer } from './programs/docker.ts';
import type { Engine, EngineContext, EngineName, ProgramSource } from './types.ts';

const readyMsMax = 60_000;
const stopMsMax = 15_000;

export interface ProcessEngineOptions {
  name: EngineName;
  url: string;
  version: string;
  source: Exclude<ProgramSource, 'url'>;
  plan: () => ProcessPlan;
  waitReady: ManagedProcessOptions['waitReady'];
}

/** An engine that runs as a process of this installation. */
export function processEngine(context: EngineContext, options: ProcessEngineOptions): Engine {
  const { name, url, version, source } = options;
  const managed = new ManagedProcess({
    name,
    home: context.home,
    logFile: path.join(context.home, 'logs', `${name}.log`),
    plan: options.plan,
    waitReady: options.waitReady,
    readyMsMax,
    stopMsMax,
    supervised: context.supervised,
    onEvent: context.onEvent,
  });
  const clear = async () => {
    if (source === 'docker') await removeContainer(context.home, name);
  };
  return {
    name,
    url,
    version,
    source,
    get pid() {
      return managed.pid;
    },
    get ready() {
      return managed.ready;
    },
    get restarts() {
      return managed.restarts;
    },
    async start() {
      if (managed.pid === undefined) await clear();
      await managed.start();
    },
    stop: (options) => managed.stop(options),
    async kill() {
      await clear();
      await managed.kill();
    },
  };
}
