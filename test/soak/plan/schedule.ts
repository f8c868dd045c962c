import { mulberry32, shuffled } from './random.ts';

const services = [
  'ingress',
  'pipeline',
  'guard-auth',
  'guard-pii',
  'guard-cache',
  'guard-router',
  'upstream',
  'analytics',
  'console',
] as const;
export const engines = ['nats', 'redis', 'cacheRedis', 'clickhouse'] as const;
export type Victim = (typeof services)[number] | (typeof engines)[number];

/** One thing that is done to the running system. */
export type Step = { gapMs: number } & (
  | { do: 'kill'; victim: Victim }
  /** Streams that outlive a lease begin. */
  | { do: 'long-streams'; streams: number }
  /** No step until those streams are over. */
  | { do: 'await-long-streams' }
  /** JetStream takes no usage for a while. */
  | { do: 'usage-full'; ms: number }
  /** Usage comes again, in other batches: what a publisher does whose acknowledgement got lost. */
  | { do: 'redeliver'; messages: number }
  /** The ledger's engine stays away, and the service that writes to it is killed with a batch in its hands. */
  | { do: 'ledger-away'; ms: number }
);

/** A stream breaks with them, or its reservation is made anew: what follows would not show whether leases are renewed. */
const breakStreams: readonly Victim[] = ['ingress', 'upstream', 'nats', 'redis'];
const others: readonly Victim[] = [...services, ...engines].filter((victim) => !breakStreams.includes(victim));

export interface ScheduleOptions {
  seed: number;
  /** SIGKILLs, at least one. */
  kills: number;
  /** Mean pause between a recovery and the next step. */
  gapMs: number;
}

/** The first kill meets requests that run. */
const loadMsMin = 2000;

/** Rounds in which everybody is killed once, in an order of the seed, until there are so many kills. */
export function schedule({ seed, kills, gapMs }: ScheduleOptions): Step[] {
  const random = mulberry32(seed);
  const gap = () => Math.round(gapMs * (0.5 + random()));
  const steps: Step[] = [];
  const underWay = () => (steps.length === 0 ? loadMsMin : 0);
  let left = kills;
  const kill = (victims: readonly Victim[]) => {
    for (const victim of shuffled(random, victims).slice(0, left)) {
      steps.push({ do: 'kill', victim, gapMs: underWay() + gap() });
      left--;
    }
  };
  while (left > 0) {
    kill(breakStreams);
    steps.push({ do: 'long-streams', streams: 3, gapMs: gap() });
    kill(others);
    steps.push({ do: 'ledger-away', ms: 2500, gapMs: gap() });
    steps.push({ do: 'usage-full', ms: 2000, gapMs: gap() });
    steps.push({ do: 'redeliver', messages: 40, gapMs: gap() });
    if (left > 0) steps.push({ do: 'await-long-streams', gapMs: 0 });
  }
  return steps;
}

export function stepText(step: Step): string {
  switch (step.do) {
    case 'kill':
      return `kill -9 ${step.victim}`;
    case 'long-streams':
      return `${step.streams} streams that outlive a lease begin`;
    case 'await-long-streams':
      return 'wait for their end';
    case 'usage-full':
      return `USAGE is full for ${step.ms} ms`;
    case 'redeliver':
      return `the last ${step.messages} messages of usage come again, cut differently`;
    case 'ledger-away':
      return `kill -9 clickhouse, away for ${step.ms} ms; kill -9 analytics meanwhile`;
  }
}
