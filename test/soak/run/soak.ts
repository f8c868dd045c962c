import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { archivedUsage } from '../books/archive.ts';
import { BudgetReader } from '../books/budgets.ts';
import { issuedByTicket } from '../books/issued.ts';
import { LedgerReader } from '../books/ledger.ts';
import { archiveTeam, type ReachedLimits } from '../installation/configuration.ts';
import { type Installation, startInstallation } from '../installation/installation.ts';
import { UsageStream } from '../installation/usage-stream.ts';
import { schedule, stepText } from '../plan/schedule.ts';
import { strictLimits } from '../plan/strict-team.ts';
import { type Facts, judge, type Verdict } from '../verdicts/index.ts';
import { Disturber } from './disturb.ts';
import { Load } from './load.ts';
import { memoryMib, serviceMib } from './memory.ts';
import { untilQuiet, untilRolledUp } from './quiet.ts';

export interface SoakOptions {
  seed: number;
  /** At least so many are sent. */
  requests: number;
  /** SIGKILLs of the schedule. */
  kills: number;
  /** Requests a second on average. */
  rate: number;
  /** Mean pause between a recovery and the next step, milliseconds. */
  gapMs: number;
  /** A line for who watches. */
  say: (line: string) => void;
}

export interface SoakReport {
  verdicts: Verdict[];
  kills: number;
  /** Resident, by process: after the start, and when all is quiet again. */
  memoryMib: { before: Record<string, number>; after: Record<string, number> };
  home: string;
}

/** The narrow team gets a tenth of the requests, each of some 60 tokens, some of which fail: it has used its limit before the end. */
const narrowTokensOf = ({ requests }: SoakOptions) => Math.round(requests * 0.1 * 60 * 0.4);

/**
 * Load and faults on a system of its own, then its books against what its provider issued. When something did not hold the home
 * folder stays, with its logs and with `books.json`, which is all that was compared.
 * @throws Error when the system does not start, recover or come to rest
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, kills, gapMs, say } = options;
  const steps = schedule({ seed, kills, gapMs });
  say(`seed ${seed}; ${options.requests} requests at ${options.rate} a second; ${kills} kills:`);
  for (const [place, step] of steps.entries()) say(`  ${place + 1}. after ${step.gapMs} ms: ${stepText(step)}`);
  const limits = { narrowTokens: narrowTokensOf(options), ...strictLimits(options) };
  const installation = await startInstallation(limits);
  let held = false;
  try {
    const before = await memoryMib(installation.system);
    const facts = await run(installation, { ...options, limits, steps });
    const verdicts = judge(facts);
    held = verdicts.every(({ findings }) => findings.length === 0);
    if (!held) await writeFile(path.join(installation.system.home, 'books.json'), textOf(facts));
    const killed = facts.disturbances.reduce((sum, one) => sum + one.killed.length, 0);
    const after = await memoryMib(installation.system);
    return { verdicts, kills: killed, memoryMib: { before, after }, home: installation.system.home };
  } finally {
    await installation.close(!held);
  }
}

/** All that was compared, for whoever looks into a finding. */
function textOf({ issued, ...facts }: Facts): string {
  return JSON.stringify({ ...facts, issued: Object.fromEntries(issued) }, undefined, 1);
}

interface RunOptions extends SoakOptions {
  limits: ReachedLimits;
  steps: ReturnType<typeof schedule>;
}

async function run(installation: Installation, { limits, steps, ...options }: RunOptions): Promise<Facts> {
  const { seed, say } = options;
  const { natsUrl, redisUrl, clickhouseUrl } = await installation.system.status();
  const usage = await UsageStream.open(natsUrl);
  const budgets = new BudgetReader(redisUrl);
  const ledger = new LedgerReader(clickhouseUrl);
  try {
    const archive = archivedUsage(Date.now());
    await usage.publish(archive, 7);
    const load = new Load(installation, options);
    const disturber = new Disturber(installation, usage, seed, say);
    await disturber.run(steps);
    // From here on nothing hides what was written twice.
    await ledger.stopMerges();
    const outcomes = (await Promise.all([load.stop(), disturber.end()])).flat();
    say(`${outcomes.length} requests sent; waiting until everything is quiet`);
    await usage.publish(archive, 11);
    await untilQuiet(usage, budgets);
    await untilRolledUp(ledger);
    return {
      outcomes,
      disturbances: disturber.disturbances,
      issued: issuedByTicket(await installation.simulator.calls()),
      ledger: await ledger.read(),
      streamed: await usage.read(),
      budgets: await budgets.read(),
      ...limits,
      archive: await archiveOf(installation),
      serviceMib: await serviceMib(installation.system),
    };
  } finally {
    budgets.close();
    await ledger.close();
    await usage.close();
  }
}

/** As the console's page shows it for a day, by hours. */
async function archiveOf({ system }: Installation): Promise<Facts['archive']> {
  const { url, token } = await system.control<{ url: string; token: string }>('GET', '/console');
  const answer = await fetch(`${url}/api/dashboard?last=24h&team=${archiveTeam.name}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`the console answers ${answer.status}: ${await answer.text()}`);
  const { totals } = (await answer.json()) as { totals: Facts['archive'] };
  return totals;
}
