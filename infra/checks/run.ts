import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type CheckStep, steps } from './steps.ts';

const root = path.resolve(import.meta.dirname, '../..');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const fast = process.argv.includes('--fast');
const env = {
  ...process.env,
  PATH: [path.dirname(process.execPath), path.join(root, 'node_modules/.bin'), process.env.PATH].join(path.delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

/** Resolves when the step has passed; ends this process when it has not. */
async function pass({ name, command, alone }: CheckStep): Promise<void> {
  const stepStartedAt = Date.now();
  if (alone) console.log(`\n▸ ${name}`);
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, { cwd: root, env, stdio: alone ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  const said = Promise.all([child.stdout, child.stderr].map((stream) => (stream ? text(stream) : '')));
  const fault = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  if (!alone) console.log(`\n▸ ${name}\n${(await said).join('')}`.trimEnd());
  if (fault !== undefined) {
    console.error(`\n✗ ${name} failed (${fault}): ${command.join(' ')}`);
    process.exit(1);
  }
  console.log(`  ${((Date.now() - stepStartedAt) / 1000).toFixed(1)} s`);
}

const startedAt = Date.now();
const selected = steps.filter((step) => (only ? step.name.includes(only) : !(fast && step.slow)));
if (selected.length === 0) {
  console.error(`No check is called "${only}". There are:\n${steps.map(({ name }) => `  ${name}`).join('\n')}`);
  process.exit(2);
}
const waiting = selected.filter(({ alone }) => !alone).values();
const others = Array.from({ length: availableParallelism() }, async () => {
  for (const step of waiting) await pass(step);
});
await Promise.all(others);
for (const step of selected.filter(({ alone }) => alone)) await pass(step);
console.log(`\n✓ ${selected.length} checks in ${Math.round((Date.now() - startedAt) / 1000)} s`);
