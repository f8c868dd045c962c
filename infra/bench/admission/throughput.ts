import { cpuMs } from '../cpu.ts';
import type { Replica } from './replica.ts';

/** One run of admissions without a pause, of one organization, so in one slot. */
export interface Throughput {
  admissions: number;
  perSecond: number;
  /** Of one admission, microseconds, by process. */
  cpuUs: Record<string, number>;
  /** Scripts at Redis for one admission. */
  scripts: number;
  refused: number;
}

let run = 0;

/**
 * @param callers that ask one after the other, each
 */
export async function throughput(
  replica: Replica,
  team: string,
  seconds: number,
  callers: number,
): Promise<Throughput> {
  const name = `run-${run++}`;
  const before = { cpu: cpuMs(replica.processes), scripts: await scripts(replica) };
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let [asked, refused] = [0, 0];
  const one = async (caller: number) => {
    for (let n = 0; performance.now() < until; n++) {
      const { code } = await replica.ask(team, `${name}-${caller}-${n}`);
      asked++;
      if (code !== '') refused++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)));
  const tookMs = performance.now() - startedAt;
  const cpu = cpuMs(replica.processes);
  const ran = await scripts(replica);
  // Nobody renews these leases: left, the reaper would work on them in the next run.
  await replica.redis.command('DEL', 'tg:v1:{bench}:leases', 'tg:v1:{bench}:receipts');
  return {
    ...{ admissions: asked - refused, refused },
    perSecond: (asked / tookMs) * 1000,
    cpuUs: Object.fromEntries([...cpu].map(([key, ms]) => [key, ((ms - (before.cpu.get(key) ?? 0)) * 1000) / asked])),
    scripts: (ran - before.scripts) / asked,
  };
}

/** Scripts that Redis ran so far: an admission is one, and nothing that replicas do by themselves comes near their number. */
async function scripts({ redis }: Replica): Promise<number> {
  const info = String(await redis.command('INFO', 'commandstats'));
  return [...info.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
