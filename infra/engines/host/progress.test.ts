import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startProgress } from './progress.mjs';

/** What is written to standard error meanwhile, by a clock that stands still. */
function watched(t: TestContext, isTTY: boolean): () => string {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const before = process.stderr.isTTY;
  process.stderr.isTTY = isTTY;
  const write = t.mock.method(process.stderr, 'write', () => true);
  t.after(() => {
    process.stderr.isTTY = before;
  });
  return () => write.mock.calls.map(({ arguments: [text] }) => text).join('');
}

test('a log file is told the start, with the size, every tenth second, and the end', (t) => {
  const written = watched(t, false);
  const progress = startProgress('fetching chDB', { bytes: 178_000_000 });
  t.mock.timers.tick(20_000);
  progress.done();
  t.mock.timers.tick(20_000);
  const label = 'fetching chDB (178.0 MB)';
  const lines = [`  … ${label}`, `  … ${label} 10 s`, `  … ${label} 20 s`, `  ✓ ${label}, 20.0 s`, ''];
  assert.equal(written(), lines.join('\n'));
});

test('a terminal sees one line, drawn anew each second, and what failed stays', (t) => {
  const written = watched(t, true);
  const progress = startProgress('fetching NATS and Redis');
  t.mock.timers.tick(2_000);
  progress.failed('no mirror');
  const drawn = ['… fetching NATS and Redis', '… fetching NATS and Redis 1 s', '… fetching NATS and Redis 2 s'];
  const end = '✗ fetching NATS and Redis: no mirror, 2.0 s\n';
  assert.equal(written(), [...drawn, end].map((line) => `\r\u001b[2K  ${line}`).join(''));
});
