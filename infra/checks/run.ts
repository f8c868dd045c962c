import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { steps } from './steps.ts';

const root = path.resolve(import.meta.dirname, '../..');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const fast = process.argv.includes('--fast');
const env = {
  ...process.env,
  PATH: [path.dirname(process.execPath), path.join(root, 'node_modules/.bin'), process.env.PATH].join(path.delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

const startedAt = Date.now();
const selected = steps.filter((step) => (only ? step.name.includes(only) : !(fast && step.slow)));
if (selected.length === 0) {
  console.error(`No check is called "${only}". There are:\n${steps.map(({ name }) => `  ${name}`).join('\n')}`);
  process.exit(2);
}
for (const { name, command } of selected) {
  const stepStartedAt = Date.now();
  console.log(`\n▸ ${name}`);
  const [program, ...args] = command as [string, ...string[]];
  const { status, signal, error } = spawnSync(program, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`\n✗ ${name} failed (${error?.message ?? signal ?? `exit code ${status}`}): ${command.join(' ')}`);
    process.exit(1);
  }
  console.log(`  ${((Date.now() - stepStartedAt) / 1000).toFixed(1)} s`);
}
console.log(`\n✓ ${selected.length} checks in ${Math.round((Date.now() - startedAt) / 1000)} s`);
