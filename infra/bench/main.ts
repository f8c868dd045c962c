import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { admission, admissionText } from './admission/admission.ts';
import type { Contender } from './contenders/contender.ts';
import { portkey } from './contenders/portkey.ts';
import { bareUpstream, fastifyProxy } from './contenders/simple.ts';
import { tollgate } from './contenders/tollgate.ts';
import { load, measure, type Run, type Scenario } from './measure.ts';
import { neighbours, neighboursText } from './neighbours/neighbours.ts';
import { readOptions } from './options.ts';
import { profile, type Work } from './profile/profile.ts';
import { besides, ratios, summarize, table } from './report.ts';
import { pacedProvider, streams, streamsText, thousandChunks } from './streams/streams.ts';

// npm run bench: what Tollgate costs, beside what others cost; what it is asked for stands in options.ts.

const scenarios: Scenario[] = [
  { name: '100/s', mode: { kind: 'open', rate: 100 } },
  { name: '500/s', mode: { kind: 'open', rate: 500 } },
  { name: 'maximum', mode: { kind: 'closed', connections: 64 } },
  ...[1.1, 4.1, 15.9].map(
    (mebibytes): Scenario => ({
      name: `100/s beside ${mebibytes} MiB a second`,
      mode: { kind: 'open', rate: 100 },
      largeBodyBytes: Math.floor(mebibytes * 1024 * 1024),
    }),
  ),
];
/** The default, and all services that may share a process in one (docs/deployment.md). */
const deployments = [
  { name: 'Tollgate', together: '' },
  { name: 'Tollgate, one process', together: 'all' },
];
const options = readOptions(
  process.argv.slice(2),
  scenarios.map(({ name }) => name),
);
const wanted = scenarios.filter(({ name }) => !options.scenario || options.scenario.includes(name));

/** Open streams in a comparison. */
const streamsUsual = 100;
const { seconds } = options;
const contenders: Contender[] = [];

async function compare(upstreamUrl: string): Promise<Run[]> {
  contenders.push(await fastifyProxy(upstreamUrl), await portkey(upstreamUrl));
  for (const { name, together } of deployments) contenders.push(await tollgate(upstreamUrl, name, together));
  for (const { url, headers } of contenders) {
    const mode = { kind: 'closed', connections: 64 } as const;
    await load({ url, headers, mode, seconds: options.heat, warmUpSeconds: 0 });
  }
  const runs: Run[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const scenario of wanted) {
      for (const contender of contenders) {
        const run = await measure(contender, scenario, seconds, options.warmUp);
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

function report(runs: readonly Run[]): object {
  const rows = summarize(runs);
  console.log(`\n${table(rows)}\n`);
  const compared = Object.fromEntries(deployments.map(({ name }) => [name, ratios(runs, name)]));
  for (const [name, found] of Object.entries(compared))
    for (const [what, ratio] of Object.entries(found)) console.log(`${name} / Portkey, ${what}: ${ratio.toFixed(2)}`);
  for (const row of rows.filter(({ contender }) => contender in compared)) {
    const parts = Object.entries(row.cpuMsPer1000).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
    console.log(`${row.contender}, CPU ms per 1,000 requests, ${row.scenario}: ${parts.join(', ')}`);
  }
  const beside = Object.fromEntries(contenders.map(({ name }) => [name, besides(runs, name, '100/s')]));
  for (const [name, found] of Object.entries(beside))
    for (const [scenario, ratio] of Object.entries(found))
      console.log(`${name}, p99 ${scenario} / without: ${ratio.toFixed(2)}`);
  const failed = rows.filter(({ contender, errors }) => contender in compared && errors > 0);
  // Figures of answers beside refusals are no figures.
  if (failed.length > 0) process.exitCode = 1;
  return { rows, ratios: compared, besides: beside, runs };
}

function write(found: object): void {
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
  writeFileSync(options.json, `${JSON.stringify({ at: new Date().toISOString(), machine, ...found }, null, 2)}\n`);
  console.log(`\nwritten to ${options.json}`);
}

/** @param rate requests a second; 0 = full load */
function requests(upstreamUrl: string, rate: number): Work {
  const mode = rate > 0 ? ({ kind: 'open', rate } as const) : ({ kind: 'closed', connections: 64 } as const);
  const run = async ({ url, headers }: Contender, forSeconds: number) =>
    (await load({ url, headers, mode, seconds: forSeconds, warmUpSeconds: 0 })).requests;
  return { upstreamUrl, unit: 'a request', run };
}

async function run(): Promise<void> {
  if (options.admission) {
    const found = await admission(options.rounds, seconds);
    console.log(admissionText(found));
    write({ admission: found });
    return;
  }
  if (options.neighbours) {
    const found = await neighbours(options.rounds, seconds, options.together);
    console.log(neighboursText(found));
    write({ neighbours: found });
    return;
  }
  const opened = options.streams ?? [streamsUsual];
  if (options.streams !== undefined && options.profile) {
    const provider = await pacedProvider();
    contenders.push(provider);
    const run = (contender: Contender, forSeconds: number) => thousandChunks(contender, opened[0] ?? 0, forSeconds);
    const work = { upstreamUrl: provider.url, unit: 'per 1,000 chunks', run };
    console.log(await profile(work, seconds, options.together));
    return;
  }
  if (options.streams !== undefined) {
    const found = await streams(opened, options.rounds, seconds, deployments);
    console.log(streamsText(found));
    write({ streams: found });
    // A slow machine refuses streams; nothing may lose or reorder chunks of those that it takes.
    if (found.some(({ contender, misplaced }) => contender.startsWith('Tollgate') && misplaced > 0))
      process.exitCode = 1;
    return;
  }
  contenders.push(await bareUpstream());
  const [{ url }] = contenders as [Contender];
  if (options.profile) {
    console.log(await profile(requests(url, options.rate), seconds, options.together));
    return;
  }
  const found = report(await compare(url));
  await stop();
  const streamed = options.scenario ? [] : await streams(opened, options.rounds, seconds, deployments);
  console.log(`\n${streamsText(streamed)}`);
  write({ ...found, streams: streamed });
}

async function stop(): Promise<void> {
  await Promise.all(contenders.splice(0).map((contender) => contender.stop()));
}

try {
  await run();
} finally {
  await stop();
}
