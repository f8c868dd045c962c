// A guard in a process of its own, to be killed. Its bus is the channel to the test; its replica is its first argument,
// its port the second.
import process from 'node:process';
import { serveGuard } from '../index.ts';
import { FakeScope, silentLogger, testMetrics, textsOf } from './fakes.ts';
import { masked } from './harness.ts';

export type BusMessage = { subject: string; base64: string };

const [replica = '', port = '0'] = process.argv.slice(2);
const receivers = new Map<string, (bytes: Uint8Array) => void>();
const bus = {
  publish(subject: string, bytes: Uint8Array): void {
    process.send?.({ subject, base64: Buffer.from(bytes).toString('base64') } satisfies BusMessage);
  },
  subscribe(subject: string, receive: (bytes: Uint8Array) => void) {
    receivers.set(subject, receive);
    return { stop: () => receivers.delete(subject) };
  },
};
process.on('message', ({ subject, base64 }: BusMessage) => receivers.get(subject)?.(Buffer.from(base64, 'base64')));
process.on('disconnect', () => process.exit());

await serveGuard({
  kind: 'pii',
  env: { host: '127.0.0.1', port: Number(port), announceHost: '127.0.0.1' },
  bus,
  logger: silentLogger,
  metrics: testMetrics(),
  scope: new FakeScope(replica),
  ready: () => true,
  // Some answer at once, some in a later turn, so that a kill meets both.
  handle: (request) => {
    const result = masked([replica, ...textsOf(request)]);
    if (request.id % 2 === 0) return result;
    return new Promise((resolve) => setTimeout(resolve, request.id % 5, result));
  },
});
