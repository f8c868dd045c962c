import { commandsDuring } from '@tollgate/testing/redis';
import { cpuMs } from '../cpu.ts';
import type { Replica } from './replica.ts';

/** One run of admissions without a pause, of one organization, so in one slot. */
export interface Throughput {
  admissions: number;
  perSecond: number;
  /** Of one admission, microseconds, by process. */
  cpuUs: Record<string, number>;
  /** Commands that were sent to Redis for one admission, whatever they are. */
  roundTrips: number;
  refused: number;
}

let run = 0;
/** Of each run, so that the few commands that replicas send by themselves do not show. */
const countedAdmissions = 2000;

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
  const before = cpuMs(replica.processes);
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
  const commands = await commandsDuring(replica, async () => {
    const each = Math.ceil(countedAdmissions / callers);
    const some = async (caller: number) => {
      for (let n = 0; n < each; n++) await replica.ask(team, `${name}-counted-${caller}-${n}`);
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => some(caller)));
    return each * callers;
  });
  // Nobody renews these leases: left, the reaper would work on them in the next run.
  await replica.redis.command('DEL', 'tg:v1:{bench}:leases', 'tg:v1:{bench}:receipts');
  return {
    ...{ admissions: asked - refused, refused },
    perSecond: (asked / tookMs) * 1000,
    cpuUs: Object.fromEntries([...cpu].map(([key, ms]) => [key, ((ms - (before.get(key) ?? 0)) * 1000) / asked])),
    roundTrips: commands.sent / commands.result,
  };
}
