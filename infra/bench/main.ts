import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Contender } from './contenders/contender.ts';
import { portkey } from './contenders/portkey.ts';
import { bareUpstream, fastifyProxy } from './contenders/simple.ts';
import { tollgate } from './contenders/tollgate.ts';
import { measure, type Run, type Scenario } from './measure.ts';
import { ratios, summarize, table } from './report.ts';

// npm run bench: what Tollgate costs, beside what others cost, in alternating runs on this machine.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    'warm-up': { type: 'string', default: '3' },
    scenario: { type: 'string', multiple: true },
    json: { type: 'string', default: 'bench.json' },
  },
});

const scenarios: Scenario[] = [
  { name: '100/s', mode: { kind: 'open', rate: 100 } },
  { name: '500/s', mode: { kind: 'open', rate: 500 } },
  { name: 'maximum', mode: { kind: 'closed', connections: 64 } },
  {
    name: '100/s beside 15 MiB',
    mode: { kind: 'open', rate: 100 },
    largeBodyBytes: 15 * 1024 * 1024,
    only: ['Tollgate'],
  },
];
const wanted = scenarios.filter(({ name }) => !values.scenario || values.scenario.includes(name));

const contenders: Contender[] = [];
const runs: Run[] = [];
try {
  const upstream = await bareUpstream();
  contenders.push(upstream);
  contenders.push(await fastifyProxy(upstream.url));
  contenders.push(await portkey(upstream.url));
  contenders.push(await tollgate(upstream.url));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const scenario of wanted) {
      for (const contender of contenders) {
        if (scenario.only && !scenario.only.includes(contender.name)) continue;
        const run = await measure(contender, scenario, Number(values.seconds), Number(values['warm-up']));
        runs.push(run);
        console.error(
          `round ${round + 1}, ${scenario.name}, ${contender.name}: ${Math.round(run.requests / run.seconds)}/s, p50 ${run.p50Us / 1000} ms, p99 ${run.p99Us / 1000} ms, ${run.errors} errors`,
        );
      }
    }
  }
} finally {
  await Promise.all(contenders.map((contender) => contender.stop()));
}

const rows = summarize(runs);
console.log(`\n${table(rows)}\n`);
for (const [what, ratio] of Object.entries(ratios(runs)))
  console.log(`Tollgate / Portkey, ${what}: ${ratio.toFixed(2)}`);
for (const row of rows.filter(({ contender }) => contender === 'Tollgate')) {
  const parts = Object.entries(row.cpuMsPer1000).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
  console.log(`Tollgate's CPU ms per 1,000 requests, ${row.scenario}: ${parts.join(', ')}`);
}
const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
writeFileSync(
  values.json,
  `${JSON.stringify({ at: new Date().toISOString(), machine, rows, ratios: ratios(runs), runs }, null, 2)}\n`,
);
console.log(`\nwritten to ${values.json}`);
