/** One thing that CI checks: a command of the project's own tools, run from the root. */
export interface CheckStep {
  name: string;
  command: readonly string[];
  /** Has the machine to itself, and prints as it goes; the others run as many at once as there are cores. */
  alone?: boolean;
  /** Left out by `--fast`. */
  slow?: boolean;
}

const node = process.execPath;

/** In this order: what fails fastest comes first. */
export const steps: readonly CheckStep[] = [
  { name: 'format and lint', command: ['biome', 'ci', '.', '--colors=off'] },
  { name: 'wire: format and lint', command: ['buf', 'format', 'proto', '--diff', '--exit-code'] },
  { name: 'wire: lint', command: ['buf', 'lint', 'proto'] },
  {
    name: 'wire: compatible with the baseline',
    command: ['buf', 'breaking', 'proto', '--against', 'proto/baseline.binpb'],
  },
  {
    name: 'wire: the baseline has all of it',
    // The other way round: what proto has and the image has not would look deleted.
    command: ['buf', 'breaking', 'proto/baseline.binpb', '--against', 'proto'],
  },
  { name: 'wire: compatible with earlier baselines', command: [node, 'infra/checks/earlier-baselines.ts'] },
  { name: 'wire: generated code is current', command: [node, 'infra/checks/generated.ts'] },
  { name: 'boundaries: imports stay in their package or are declared', command: ['turbo', 'boundaries'] },
  { name: 'boundaries: directions', command: [node, 'infra/checks/directions.ts'] },
  { name: 'workspaces are complete', command: [node, 'infra/checks/workspaces.ts'] },
  // One program for all that runs on Node: a program a workspace checks the shared packages twenty times over.
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'types: page', command: ['tsc', '-p', 'apps/web'] },
  { name: 'types: tests of the whole system', command: ['tsc', '-p', 'test'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'unit tests', command: [node, 'test/unit.ts'], alone: true },
  { name: 'end-to-end tests', command: [node, 'test/run.ts'], alone: true, slow: true },
];
