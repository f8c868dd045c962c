import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { observeProcess } from './process.ts';

export type { Counter, Gauge, Histogram };

/** A registry of one process. Asking again for a name gives the metric that is there. */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** `collect` runs at each scrape, to set values that are cheaper to read than to keep. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void,
  ): Gauge<L>;
  /** Buckets in the unit that the name ends in; default: 0.1 ms to 5 min in seconds. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>;
  /** `set` runs before each scrape: for figures that the hot path keeps as plain numbers. */
  onScrape(set: () => void): void;
  /** Metrics with another service's label, told with these: for a service that runs in the process of others. */
  member(service: string): Metrics;
  /** In Prometheus's text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const NAME = /^tollgate_[a-z][a-z0-9_]*[a-z0-9]$/;

const SECONDS = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
];

/** @param service stands as a label on everything. Label values must come from a bounded set: never ids or texts. */
export function createMetrics(service: string): Metrics {
  const metrics = register(service);
  observeProcess(metrics);
  return metrics;
}

function register(service: string): Metrics {
  const members: Metrics[] = [];
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const known = new Map<string, { kind: string; labels: string; metric: unknown }>();

  function once<T>(kind: string, name: string, labels: readonly string[], make: () => T): T {
    if (!NAME.test(name)) throw new Error(`metric '${name}' must be named tollgate_… in lower case`);
    const signature = labels.join(',');
    const found = known.get(name);
    if (found === undefined) {
      const metric = make();
      known.set(name, { kind, labels: signature, metric });
      return metric;
    }
    if (found.kind !== kind || found.labels !== signature) {
      throw new Error(`metric '${name}' exists already as a ${found.kind} with labels (${found.labels})`);
    }
    return found.metric as T;
  }

  const registers = [registry];
  const sets: (() => void)[] = [];
  const metrics: Metrics = {
    counter: (name, help, labels = []) =>
      once('counter', name, labels, () => new Counter({ name, help, labelNames: labels, registers })),
    gauge: (name, help, labels = [], collect) =>
      once(
        'gauge',
        name,
        labels,
        () =>
          new Gauge({
            name,
            help,
            labelNames: labels,
            registers,
            ...(collect && {
              collect() {
                collect(this);
              },
            }),
          }),
      ),
    histogram: (name, help, labels = [], buckets = SECONDS) =>
      once(
        'histogram',
        name,
        labels,
        () => new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers }),
      ),
    onScrape: (set) => void sets.push(set),
    member: (name) => {
      const member = register(name);
      members.push(member);
      return member;
    },
    text: async () => {
      for (const set of sets) set();
      const own = await registry.metrics();
      return members.length === 0 ? own : merge([own, ...(await Promise.all(members.map((member) => member.text())))]);
    },
    contentType: registry.contentType,
  };
  return metrics;
}

/** Samples of a name stand together below one head, as the format demands; of several helps the first one is told. */
function merge(texts: string[]): string {
  const families = new Map<string, string[]>();
  for (const block of texts.flatMap((text) => text.trim().split('\n\n')).filter((text) => text !== '')) {
    const [help = '', type = '', ...samples] = block.split('\n');
    const family = families.get(type);
    if (family === undefined) families.set(type, [help, type, ...samples]);
    else family.push(...samples);
  }
  return [...families.values()].map((lines) => `${lines.join('\n')}\n`).join('\n');
}
