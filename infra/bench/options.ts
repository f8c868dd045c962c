import { Command, InvalidArgumentError } from 'commander';

export interface BenchOptions {
  rounds: number;
  seconds: number;
  warmUp: number;
  heat: number;
  profile: boolean;
  rate: number;
  /** Numbers of open streams; undefined: beside all else, the usual number. */
  streams?: number[];
  admission: boolean;
  neighbours: boolean;
  together: string;
  scenario?: string[];
  json: string;
}

/** @param scenarios names of all that can be measured */
export function readOptions(argv: readonly string[], scenarios: readonly string[]): BenchOptions {
  const scenario = (name: string, before: string[] = []) => {
    if (!scenarios.includes(name)) throw new InvalidArgumentError(`it is one of: ${scenarios.join('; ')}`);
    return [...before, name];
  };
  return new Command('npm run bench --')
    .description(
      'What Tollgate costs, beside a bare Fastify proxy and the Portkey gateway, in alternating runs on this machine.\nPrints tables and writes them as JSON.',
    )
    .option('--rounds <n>', 'runs of each, in turns', count, 3)
    .option('--seconds <n>', 'of a run', count, 8)
    .option('--warm-up <n>', 'seconds before each run that are not counted', count, 3)
    .option('--heat <n>', 'seconds of full load before the first run: as services that run for days', count, 20)
    .option('--scenario <name>', 'only this one (may be repeated)', scenario)
    .option('--streams <n,n,…>', 'only streams, so many open ones at a time', counts)
    .option('--admission', 'only what an admission costs, and what a nearly spent budget loses to 200 at once', false)
    .option('--neighbours', "only what one team's load does to another's", false)
    .option('--profile', 'only what the services spend their time on: at full load, at --rate, with --streams', false)
    .option('--rate <n>', 'requests a second of what is profiled; 0 = as many as it takes', count, 0)
    .option('--together <services>', 'TOLLGATE_TOGETHER of what is profiled, or has neighbours', '')
    .option('--json <file>', 'where the figures go', 'bench.json')
    .parse(argv, { from: 'user' })
    .opts<BenchOptions>();
}

export function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}

function counts(text: string): number[] {
  return text.split(',').map(count);
}
