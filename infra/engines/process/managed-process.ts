import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { logTail, openLogFile } from './log-file.ts';
import { removePidFile, writePidFile } from './pid-file.ts';
import { crashesAfter, restartDelayMs } from './restart-policy.ts';

export interface ProcessPlan {
  /** The program and its arguments. */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Opens an IPC channel, for programs that are Node's. */
  ipc?: boolean;
}

export type ManagedProcessEvent =
  | { type: 'ready'; name: string; pid: number }
  | { type: 'crashed'; name: string; how: string; restartInMs: number | undefined };

export interface ManagedProcessOptions {
  name: string;
  home: string;
  logFile: string;
  plan: () => ProcessPlan;
  /** Resolves when the process serves. Rejecting ends the process. */
  waitReady: (child: ChildProcess, signal: AbortSignal) => Promise<void>;
  readyMsMax: number;
  stopMsMax: number;
  /** Start it again when it ends unasked. */
  supervised: boolean;
  onEvent?: (event: ManagedProcessEvent) => void;
}

interface Run {
  child: ChildProcess;
  ready: Promise<void>;
  exited: Promise<string>;
  readyAt: number | undefined;
}

/**
 * One operating-system process: started, waited for, noted in a pid file, logged to a file, started again when it
 * crashes (at once the first time, then with back-off), ended in an orderly way or not.
 */
export class ManagedProcess {
  readonly name: string;
  #options: ManagedProcessOptions;
  #run: Run | undefined;
  #wanted = false;
  #crashesInARow = 0;
  #restarts = 0;
  #pause: NodeJS.Timeout | undefined;
  #killAsked = false;

  constructor(options: ManagedProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#run?.child.pid;
  }

  get ready(): boolean {
    return this.#run?.readyAt !== undefined;
  }

  /** How often it was started again after it had ended unasked or was killed. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves when it is ready. Rejects with the end of its log when the first run ends before, or takes too long. */
  async start(): Promise<void> {
    if (this.#wanted && this.#run) return this.#run.ready;
    this.#wanted = true;
    this.#crashesInARow = 0;
    clearTimeout(this.#pause);
    await this.#launch().ready;
  }

  /** SIGTERM, and after `stopMsMax` (with `now` at once) SIGKILL. It stays down until `start`. */
  async stop({ now = false } = {}): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#pause);
    const run = this.#run;
    if (!run) return;
    run.child.kill(now ? 'SIGKILL' : 'SIGTERM');
    const timer = setTimeout(() => run.child.kill('SIGKILL'), this.#options.stopMsMax);
    await run.exited;
    clearTimeout(timer);
  }

  /** SIGKILL, as a test or an operator asks for it: that is no crash loop, so a supervised process is back at once. */
  async kill(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    this.#killAsked = true;
    run.child.kill('SIGKILL');
    await run.exited;
  }

  #launch(): Run {
    const { home, name, logFile, plan, onEvent } = this.#options;
    const { command, env, cwd, ipc } = plan();
    const [program, ...args] = command;
    if (!program) throw new TypeError(`the plan for ${name} names no program`);
    const log = openLogFile(logFile);
    const output = [log.descriptor, log.descriptor] as const;
    // What the child creates is its owner's only, also where the program does not care about modes itself.
    const umask = process.umask(0o077);
    const stdio: StdioOptions = ipc ? ['ignore', ...output, 'ipc'] : ['ignore', ...output];
    // In a group of its own: Ctrl-C in a terminal would otherwise reach it before its turn to stop.
    const child = spawn(program, args, { cwd, env, stdio, detached: true });
    process.umask(umask);
    if (child.pid) writePidFile(home, name, child.pid);
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => child.pid === undefined && resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
    });
    const run: Run = { child, exited, ready: Promise.resolve(), readyAt: undefined };
    this.#run = run;
    run.ready = this.#watchReady(run);
    run.ready.then(
      () => onEvent?.({ type: 'ready', name, pid: child.pid as number }),
      // Who waits in start() gets the error; a restart in the background is reported by its exit.
      () => {},
    );
    void exited.then((how) => {
      log.close();
      this.#ended(run, how);
    });
    return run;
  }

  async #watchReady(run: Run): Promise<void> {
    const { name, waitReady, readyMsMax, logFile } = this.#options;
    const stop = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not ready after ${readyMsMax / 1000} s`)), readyMsMax);
    });
    const died = run.exited.then((how) => Promise.reject(new Error(how)));
    try {
      await Promise.race([waitReady(run.child, stop.signal), tooLate, died]);
      run.readyAt = Date.now();
    } catch (error) {
      run.child.kill('SIGKILL');
      const tail = logTail(logFile);
      throw new Error(`${name} did not start: ${(error as Error).message}${tail ? `\n${tail}\n(${logFile})` : ''}`);
    } finally {
      clearTimeout(timer);
      stop.abort();
      died.catch(() => {});
    }
  }

  #ended(run: Run, how: string): void {
    const { home, name, supervised, onEvent } = this.#options;
    removePidFile(home, name);
    if (this.#run === run) this.#run = undefined;
    const killAsked = this.#killAsked;
    this.#killAsked = false;
    if (!this.#wanted) return;
    if (!supervised) {
      this.#wanted = false;
      onEvent?.({ type: 'crashed', name, how, restartInMs: undefined });
      return;
    }
    this.#crashesInARow = killAsked
      ? 0
      : crashesAfter(this.#crashesInARow, run.readyAt === undefined ? 0 : Date.now() - run.readyAt);
    const restartInMs = restartDelayMs(this.#crashesInARow);
    onEvent?.({ type: 'crashed', name, how, restartInMs });
    this.#pause = setTimeout(() => {
      this.#restarts += 1;
      this.#launch();
    }, restartInMs);
  }
}
