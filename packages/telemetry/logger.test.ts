import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type LogLevel } from './index.ts';

function capture(level: LogLevel = 'info') {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'ingress', replica: 'ingress-1', level, output });
  return { logger, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
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

test('below its level nothing is written', () => {
  const { logger, entries } = capture('warn');
  logger.info('x');
  assert.deepEqual(entries(), []);
});
