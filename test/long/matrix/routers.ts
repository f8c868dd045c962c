import { until } from '../../support/until.ts';
import type { Installation } from './installation.ts';

/** One counter of each replica of guard-router, in the order of their names. */
export async function routerCounters({ system }: Installation, name: string): Promise<number[]> {
  const { services } = await system.status();
  const routers = services.filter((service) => service.name === 'guard-router');
  return Promise.all(routers.map(({ health }) => counter(`${health}/metrics`, name)));
}

/** Sums of replicas reach their metrics about once a second: waits until they have grown by so much in all. */
export async function grownCounters(
  installation: Installation,
  name: string,
  before: readonly number[],
  by: number,
): Promise<number[]> {
  let grown: number[] = [];
  await until(`${name} has grown by ${by}`, async () => {
    const now = await routerCounters(installation, name);
    grown = now.map((count, at) => count - (before[at] ?? 0));
    return grown.reduce((sum, count) => sum + count, 0) >= by || undefined;
  });
  return grown;
}

async function counter(url: string, name: string): Promise<number> {
  const metrics = await (await fetch(url)).text();
  const line = metrics.split('\n').find((text) => text.startsWith(`${name}{`) || text.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
