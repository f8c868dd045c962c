import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, repositoryFolder, say } from './host.mjs';
import { ensureInstalled } from './install.mjs';
import { ensureNode } from './node-runtime.mjs';

const parentCheckMs = 1000;

/**
 * From any Node ≥ 20 to `entry` (a path in the repository) running on Node ≥ 24 with its packages installed; ends this
 * process with its exit code. `dev` installs the tools for tests too.
 */
export async function bootstrap(entry, { dev = false } = {}) {
  try {
    const cache = cacheFolder();
    const node = await ensureNode(cache);
    await ensureInstalled(repositoryFolder, { dev });
    process.exitCode = await run(node, path.join(repositoryFolder, entry), cache);
  } catch (error) {
    say(`tollgate: ${error.message}`);
    process.exitCode = 1;
  }
}

function run(node, file, cache) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, ['--disable-warning=ExperimentalWarning', file, ...process.argv.slice(2)], {
      // What runs below finds this Node first, whatever else PATH holds.
      env: {
        ...process.env,
        TOLLGATE_CACHE: cache,
        // Node keeps what it compiled, which halves the time of a later start.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(cache, 'compiled'),
        PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
      },
      // The channel tells the child when this process is gone, even after SIGKILL.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    // Ctrl-C reaches the whole foreground group: the child has it already, this process only has to stay for its end.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    process.on('SIGHUP', () => child.kill('SIGHUP'));
    const parentWatch = watchParent(() => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(parentWatch);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

// npm ends its shell and not what runs below it, and dies without a word under SIGKILL: then the parent changes, of this process or
// of the shell between. Only below npm, since a shell may well be left behind by what it started in the background.
function watchParent(gone) {
  if (!process.env.npm_lifecycle_event) return undefined;
  const parent = process.ppid;
  const grandparent = isOneCommandShell(parent) ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid !== parent || (grandparent !== undefined && parentOf(parent) !== grandparent)) gone();
  }, parentCheckMs);
  timer.unref();
  return timer;
}

// `sh -c …`, as npm runs a script: dash waits for the command, other shells become it.
function isOneCommandShell(pid) {
  return ofProcess(pid, 'cmdline').split('\0')[1] === '-c';
}

function parentOf(pid) {
  const stat = ofProcess(pid, 'stat');
  // The second field is the program's name in parentheses and may hold anything, even parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
}

// Empty where there is no /proc, and for a process that is gone.
function ofProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
