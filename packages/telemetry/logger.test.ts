import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createLogger, type LogLevel, memberLogger } from './index.ts';

function capture(level: LogLevel = 'info') {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'ingress', replica: 'ingress-1', level, output });
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line says when, how bad, which service and which replica', () => {
  const { logger, entries } = capture();
  logger.warn({ reason: 'late' }, 'something');
  const [entry] = entries();
  assert.equal(entry?.level, 'warn');
  assert.equal(entry?.service, 'ingress');
  assert.equal(entry?.replica, 'ingress-1');
  assert.equal(entry?.reason, 'late');
  assert.equal(entry?.msg, 'something');
  assert.ok(!Number.isNaN(Date.parse(String(entry?.time))));
});

test('an error is logged with its stack and its causes, without the secrets in them', () => {
  const { logger, entries } = capture();
  const cause = new Error('connect nats://svc:hunter2-hunter2@127.0.0.1:4222 failed');
  logger.error({ err: new Error('no bus', { cause }) }, 'failed');
  const text = JSON.stringify(entries());
  assert.match(text, /no bus/);
  assert.match(text, /127\.0\.0\.1:4222 failed/);
  assert.doesNotMatch(text, /hunter2/);
});

test('children redact too, and their fields', () => {
  const { logger, entries } = capture();
  logger.child({ password: 'hunter2' }).info('x');
  assert.equal(entries()[0]?.password, '[redacted]');
});

test('a service in another one’s process writes as itself to the same output, at its level, without secrets', () => {
  const { logger, lines, entries } = capture('warn');
  const member = memberLogger(logger, { service: 'guard-pii', replica: 'guard-pii-2' });
  member.info('too little');
  member.warn({ password: 'hunter2' }, 'of the member');
  logger.warn('of the process');
  assert.deepEqual(
    entries().map(({ service, replica, level, msg }) => [service, replica, level, msg]),
    [
      ['guard-pii', 'guard-pii-2', 'warn', 'of the member'],
      ['ingress', 'ingress-1', 'warn', 'of the process'],
    ],
  );
  assert.equal(entries()[0]?.password, '[redacted]');
  // Once: what a reader of JSON makes of a name that stands there twice is its own affair.
  assert.equal(lines[0]?.match(/"service":/g)?.length, 1);
});

test('below its level nothing is written', () => {
  const { logger, entries } = capture('warn');
  logger.info('x');
  assert.deepEqual(entries(), []);
});

test('flush calls back once the lines are written, not before', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-logger-'));
  const file = path.join(folder, 'out.log');
  const output = openSync(file, 'w');
  const program = `
    import { fstatSync } from 'node:fs';
    import { createLogger } from ${JSON.stringify(new URL('./logger.ts', import.meta.url).href)};
    const logger = createLogger({ service: 'test', replica: 'test', level: 'info' });
    for (const what of ['first', 'last']) logger.info(what);
    // Looked at in the callback: what is written later, at the exit or after it, does not count.
    logger.flush(() => process.send(fstatSync(1).size));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', output, 'inherit', 'ipc'],
  });
  try {
    const [bytesAtCallback] = await once(child, 'message');
    child.disconnect();
    await once(child, 'exit');
    const text = readFileSync(file, 'utf8');
    assert.equal(text.trim().split('\n').length, 2);
    assert.equal(bytesAtCallback, Buffer.byteLength(text));
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true });
  }
});

test('an exit with unwritten lines ends, though nobody can read them any more', async () => {
  const program = `
    import { createLogger } from ${JSON.stringify(new URL('./logger.ts', import.meta.url).href)};
    const logger = createLogger({ service: 'test', replica: 'test', level: 'info' });
    process.on('message', () => {
      for (const what of ['first', 'second', 'last']) logger.info(what);
      process.exit(0);
    });
    process.send('ready');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await once(child, 'message');
  child.stdout?.destroy();
  child.send('go');
  assert.deepEqual(await exited, [0, null]);
  clearTimeout(timer);
});
