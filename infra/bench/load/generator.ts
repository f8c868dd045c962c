import { Agent, request } from 'node:http';
import { build, type Histogram } from 'hdr-histogram-js';

/** What a load process is told, as its one argument (JSON). */
export interface LoadPlan {
  url: string;
  headers: Record<string, string>;
  /** `open`: so many requests a second, whether earlier ones are answered or not. `closed`: so many at once. */
  mode: { kind: 'open'; rate: number } | { kind: 'closed'; connections: number };
  seconds: number;
  /** Not counted, so that compilers and pools are warm. */
  warmUpSeconds: number;
}

export interface LoadReport {
  /** Answered with 200. */
  requests: number;
  /** Refused, failed or broken. */
  errors: number;
  seconds: number;
  /** Of those that were answered with 200. */
  p50Us: number;
  p99Us: number;
}

export const agent = new Agent({ keepAlive: true, maxSockets: 512 });

// A question of its own each time: a cache must miss, and nothing in it is personal.
export const question = (number: number) =>
  `Question ${number}: how does a heat pump work in winter, in about ${(number % 90) + 10} words?`;
export const body = (content: string) => JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] });

/** Whether the answer is 200, and came whole. */
export function ask({ url, headers }: Pick<LoadPlan, 'url' | 'headers'>, text: string | Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(url, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers },
    });
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
      response.on('error', () => resolve(false));
    });
    sent.on('error', () => resolve(false));
    sent.end(text);
  });
}

/** Runs the plan. Latency counts from when a request should have been sent, so a stall is not hidden. */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const counted = { requests: 0, errors: 0, histogram, from: performance.now() + plan.warmUpSeconds * 1000 };
  const until = counted.from + plan.seconds * 1000;
  await (plan.mode.kind === 'open'
    ? open(plan, plan.mode.rate, counted, until)
    : closed(plan, plan.mode.connections, counted, until));
  agent.destroy();
  return {
    requests: counted.requests,
    errors: counted.errors,
    seconds: plan.seconds,
    p50Us: histogram.getValueAtPercentile(50),
    p99Us: histogram.getValueAtPercentile(99),
  };
}

interface Counted {
  requests: number;
  errors: number;
  histogram: Histogram;
  /** Earlier answers are warm-up. */
  from: number;
}

function count(counted: Counted, dueAt: number, ok: boolean): void {
  if (dueAt < counted.from) return;
  if (!ok) {
    counted.errors++;
    return;
  }
  counted.requests++;
  counted.histogram.recordValue(Math.max(1, Math.round((performance.now() - dueAt) * 1000)));
}

async function open(plan: LoadPlan, rate: number, counted: Counted, until: number): Promise<void> {
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  for (let number = 0; ; number++) {
    const dueAt = startedAt + (number * 1000) / rate;
    if (dueAt >= until) break;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const answered: Promise<void> = ask(plan, body(question(seed + number))).then((ok) => {
      running.delete(answered);
      count(counted, dueAt, ok);
    });
    running.add(answered);
  }
  await Promise.all(running);
}

async function closed(plan: LoadPlan, connections: number, counted: Counted, until: number): Promise<void> {
  let number = seed;
  const one = async () => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const ok = await ask(plan, body(question(number++)));
      if (performance.now() < until) count(counted, sentAt, ok);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}

/** Runs do not repeat each other's questions. */
export const seed = Date.now() % 1_000_000_000;
