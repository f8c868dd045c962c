import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const pollMs = 200;
const waitMsMax = 15 * 60 * 1000;

/**
 * Runs `task` while holding the lock file at `file`, so that two starts at once do not fetch into the same folder.
 * The lock of a process that is gone is taken over. Throws after 15 minutes of waiting.
 */
export async function withLock(file, task) {
  const deadline = Date.now() + waitMsMax;
  while (!take(file)) {
    if (Date.now() > deadline)
      throw new Error(`Process ${owner(file)} has held ${file} for 15 minutes: end it, or remove the file.`);
    await wait(pollMs);
  }
  try {
    return await task();
  } finally {
    if (owner(file) === process.pid) rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const pid = owner(file);
    if (pid !== undefined && !alive(pid)) rmSync(file, { force: true });
    return false;
  }
}

function owner(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
