import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, test } from 'node:test';
import { sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Replicas of ingress share one port: who asks on a new connection while one of them is away is served by the other.

const system = sharedSystem();
const scale = (replicas: number) => system.control('POST', '/scale', { service: 'ingress', replicas });

after(() => scale(1));

/** @throws what the connection met */
function askOnce(url: string, key: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = { 'x-api-key': key, connection: 'close' };
  const asked = request(`${url}/v1/models`, { headers, agent: false }, (answer) => {
    answer.resume().once('end', () => resolve(answer.statusCode));
  });
  asked.once('error', reject).end();
  return promise;
}

test('one of two ingress replicas is killed, then the other: new connections are served', async () => {
  const { gatewayUrl } = await system.status();
  const { key } = await system.createKey('engineering', 'ingress-replica');
  await scale(2);
  for (const victim of ['ingress-1', 'ingress-2']) {
    const replica = async () => (await system.status()).services.find((service) => service.replica === victim);
    const before = await replica();
    assert.ok(before?.ready);
    await system.control('POST', `/services/${victim}/kill`);
    for (let asked = 0; asked < 10; asked++) assert.equal(await askOnce(gatewayUrl, key), 200);
    await until(`${victim} is back`, async () => {
      const now = await replica();
      return (now?.ready && now.pid !== before.pid) || undefined;
    });
  }
});
