import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { styleText } from 'node:util';
import { breaks } from './breaks.ts';
import { brokenCopy } from './broken-copy.ts';

// `npm run test:breaks [-- NAME …]`: the short soak on copies of the repository with one fault each. Every one must turn red, by the
// check that is there for it.
const root = path.resolve(import.meta.dirname, '../../..');
const asked = process.argv.slice(2);
const chosen = breaks.filter(({ name }) => asked.length === 0 || asked.includes(name));
if (chosen.length < asked.length) throw new RangeError(`the faults are: ${breaks.map(({ name }) => name).join(', ')}`);

const options = ['--seed', '4', '--requests', '400', '--rate', '15', '--gap-ms', '200'];
const missed: string[] = [];
for (const one of chosen) {
  console.log(`\n▸ ${one.name}: ${one.file}`);
  const copy = await brokenCopy(root, one);
  try {
    const { code, output } = await soaked(copy.root, one.kills ?? 13);
    // Of a fault that was caught nobody reads the logs.
    const [, home] = /home and logs: (.+)$/m.exec(output) ?? [];
    const red = [...output.matchAll(/^✗ (.*)$/gm)].map(([, check]) => check as string);
    const caught = code !== 0 && red.includes(one.caughtBy);
    if (!caught) missed.push(one.name);
    else if (home) await rm(home, { recursive: true, force: true });
    const verdict = caught
      ? styleText('green', 'caught by')
      : styleText('red', `not caught by "${one.caughtBy}", but by`);
    console.log(`${one.name}: ${verdict} ${red.map((check) => `"${check}"`).join(', ') || 'nothing'} (exit ${code})`);
  } finally {
    await copy.remove();
  }
}
console.log(missed.length === 0 ? '\nevery fault was caught' : `\nnot caught: ${missed.join(', ')}`);
process.exitCode = missed.length === 0 ? 0 : 1;

/** The short soak there, shown as it goes. */
async function soaked(cwd: string, kills: number): Promise<{ code: number; output: string }> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, 'test/soak/main.ts', ...options, '--kills', String(kills)],
    {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
