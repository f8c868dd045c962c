import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { admission, admissionText } from './admission/admission.ts';
import type { Contender } from './contenders/contender.ts';
import { portkey } from './contenders/portkey.ts';
import { bareUpstream, fastifyProxy } from './contenders/simple.ts';
import { tollgate } from './contenders/tollgate.ts';
import { load, measure, type Run, type Scenario } from './measure.ts';
import { neighbours, neighboursText } from './neighbours/neighbours.ts';
import { profile } from './profile/profile.ts';
import { ratios, summarize, table } from './report.ts';

// npm run bench: what Tollgate costs, beside what others cost, in alternating runs on this machine. With `--profile`: what
// its services spend their time on instead. With `--admission` or `--neighbours`: what admission costs and holds, and what one
// team's load does to another's.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    'warm-up': { type: 'string', default: '3' },
    /** Full load before the first round: services are measured as they run for days, not in their first seconds. */
    heat: { type: 'string', default: '20' },
    profile: { type: 'boolean', default: false },
    admission: { type: 'boolean', default: false },
    neighbours: { type: 'boolean', default: false },
    /** TOLLGATE_TOGETHER of what is profiled, or has neighbours. */
    together: { type: 'string', default: '' },
    scenario: { type: 'string', multiple: true },
    json: { type: 'string', default: 'bench.json' },
  },
});

const scenarios: Scenario[] = [
  { name: '100/s', mode: { kind: 'open', rate: 100 } },
  { name: '500/s', mode: { kind: 'open', rate: 500 } },
  { name: 'maximum', mode: { kind: 'closed', connections: 64 } },
  {
    name: '100/s beside 15 MiB a second',
    mode: { kind: 'open', rate: 100 },
    largeBodyBytes: 15 * 1024 * 1024,
    only: ['Tollgate', 'Tollgate, one process'],
  },
];
/** The default, and all services that may share a process in one (docs/deployment.md). */
const deployments = [
  { name: 'Tollgate', together: '' },
  { name: 'Tollgate, one process', together: 'all' },
];
const wanted = scenarios.filter(({ name }) => !values.scenario || values.scenario.includes(name));

const seconds = Number(values.seconds);
const contenders: Contender[] = [];

async function compare(upstreamUrl: string): Promise<Run[]> {
  contenders.push(await fastifyProxy(upstreamUrl), await portkey(upstreamUrl));
  for (const { name, together } of deployments) contenders.push(await tollgate(upstreamUrl, name, together));
  for (const { url, headers } of contenders) {
    const mode = { kind: 'closed', connections: 64 } as const;
    await load({ url, headers, mode, seconds: Number(values.heat), warmUpSeconds: 0, largeBodyBytes: 0 });
  }
  const runs: Run[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const scenario of wanted) {
      for (const contender of contenders) {
        if (scenario.only && !scenario.only.includes(contender.name)) continue;
        const run = await measure(contender, scenario, seconds, Number(values['warm-up']));
        runs.push(run);
        const rate = Math.round(run.requests / run.seconds);
        const latency = `p50 ${run.p50Us / 1000} ms, p99 ${run.p99Us / 1000} ms`;
        console.error(
          `round ${round}, ${scenario.name}, ${contender.name}: ${rate}/s, ${latency}, ${run.errors} errors`,
        );
      }
    }
  }
  return runs;
}

function report(runs: readonly Run[]): void {
  const rows = summarize(runs);
  console.log(`\n${table(rows)}\n`);
  const compared = Object.fromEntries(deployments.map(({ name }) => [name, ratios(runs, name)]));
  for (const [name, found] of Object.entries(compared))
    for (const [what, ratio] of Object.entries(found)) console.log(`${name} / Portkey, ${what}: ${ratio.toFixed(2)}`);
  for (const row of rows.filter(({ contender }) => contender in compared)) {
    const parts = Object.entries(row.cpuMsPer1000).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
    console.log(`${row.contender}, CPU ms per 1,000 requests, ${row.scenario}: ${parts.join(', ')}`);
  }
  write({ rows, ratios: compared, runs });
}

function write(found: object): void {
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
  writeFileSync(values.json, `${JSON.stringify({ at: new Date().toISOString(), machine, ...found }, null, 2)}\n`);
  console.log(`\nwritten to ${values.json}`);
}

async function run(): Promise<void> {
  if (values.admission) {
    const found = await admission(Number(values.rounds), seconds);
    console.log(admissionText(found));
    write({ admission: found });
    return;
  }
  if (values.neighbours) {
    const found = await neighbours(Number(values.rounds), seconds, values.together);
    console.log(neighboursText(found));
    write({ neighbours: found });
    return;
  }
  const upstream = await bareUpstream();
  contenders.push(upstream);
  if (values.profile) console.log(await profile(upstream.url, seconds, values.together));
  else report(await compare(upstream.url));
}

try {
  await run();
} finally {
  await Promise.all(contenders.map((contender) => contender.stop()));
}
