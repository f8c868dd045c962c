import { metricsOf } from '../../support/metrics.ts';
import { until } from '../../support/until.ts';
import type { Installation } from './installation.ts';

/** One counter of each replica of guard-router, in the order of their names. */
export async function routerCounters({ system }: Installation, name: string): Promise<number[]> {
  return metricsOf(await system.status(), 'guard-router', name);
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
