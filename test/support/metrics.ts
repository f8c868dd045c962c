import type { Status } from '@tollgate/testing/system';

/**
 * A metric of one replica; 0 while it has no such series.
 * @param health base URL of the replica's /metrics
 * @param label one that the series has, as it is printed: `kind="pii"`; without it the first series of that name
 */
export async function metricOf(health: string | null, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${health}/metrics`)).text();
  const line = text.split('\n').find((candidate) => {
    const [, series, labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(candidate) ?? [];
    return series === name && labels.includes(label);
  });
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** The same of each replica of a service, in the order of their names. */
export function metricsOf({ services }: Status, service: string, name: string, label?: string): Promise<number[]> {
  const replicas = services.filter((replica) => replica.name === service);
  return Promise.all(replicas.map(({ health }) => metricOf(health, name, label)));
}
