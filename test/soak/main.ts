import { parseArgs } from 'node:util';
import { held, reportText } from './run/report.ts';
import { soak } from './run/soak.ts';

// `node test/soak/main.ts --seed 7 --requests 20000 --kills 39 --rate 30`: the same seed is the same load and schedule.
const figure = { type: 'string' } as const;
const { values } = parseArgs({
  options: { seed: figure, requests: figure, kills: figure, rate: figure, 'gap-ms': figure },
});
const number = (name: keyof typeof values, otherwise: number) => {
  const given = Number(values[name] ?? otherwise);
  if (!Number.isInteger(given) || given < 1) throw new RangeError(`--${name} must be a whole number above 0`);
  return given;
};
const report = await soak({
  seed: number('seed', 1),
  requests: number('requests', 20_000),
  kills: number('kills', 39),
  rate: number('rate', 30),
  gapMs: number('gap-ms', 10_000),
  say: (line) => console.log(line),
});
console.log(reportText(report));
process.exitCode = held(report) ? 0 : 1;
