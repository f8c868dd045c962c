import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newSystem } from '@tollgate/testing/system';
import { startWithIpc } from '../contenders/child.ts';
import { end } from '../contenders/contender.ts';
import type { LoadReport } from '../load/generator.ts';
import { load } from '../measure.ts';
import { median } from '../report.ts';

/** What the other team does beside the one that is measured. */
const besides = ['its usual load', 'ten times that', 'ten times that, without a cap'] as const;
type Beside = (typeof besides)[number];
/** Of another team's p99 beside its usual load: what one team's rush may make of it. */
const p99RatioMax = 1.2;

export interface Neighbours {
  beside: Beside;
  round: number;
  /** Of the team whose load never changes. */
  quiet: LoadReport;
  loud: LoadReport;
}

/** Requests a second of each team, usually. */
const rate = 20;
const providerMs = 200;
/** Requests at the same time: four run usually. */
const cap = 16;

/** How far one team at ten times its load moves another's latency: rounds in turns, on one system. */
export async function neighbours(rounds: number, seconds: number, together: string): Promise<Neighbours[]> {
  const provider = await startWithIpc(path.join(import.meta.dirname, 'slow-provider.ts'), {}, [String(providerMs)]);
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-bench-'));
  const file = path.join(folder, 'tollgate.yaml');
  await writeFile(file, configuration(provider.address));
  const system = await newSystem({ TOLLGATE_CONFIG: file, TOLLGATE_LOG_LEVEL: 'error', TOLLGATE_TOGETHER: together });
  try {
    await system.start();
    const { gatewayUrl } = await system.status();
    const keys = new Map<string, string>();
    for (const team of ['quiet', 'loud', 'uncapped']) keys.set(team, (await system.createKey(team, 'bench')).key);
    const run = (team: string, requestsPerSecond: number) =>
      load({
        url: `${gatewayUrl}/v1/chat/completions`,
        headers: { 'x-api-key': keys.get(team) ?? '' },
        mode: { kind: 'open', rate: requestsPerSecond },
        ...{ seconds, warmUpSeconds: 2 },
      });
    await Promise.all([run('quiet', rate), run('loud', 10 * rate), run('uncapped', 10 * rate)]);
    const found: Neighbours[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (const beside of besides) {
        const team = beside.endsWith('without a cap') ? 'uncapped' : 'loud';
        const other = run(team, beside === besides[0] ? rate : 10 * rate);
        const [quiet, loud] = await Promise.all([run('quiet', rate), other]);
        found.push({ beside, round, quiet, loud });
        console.error(`round ${round}, beside ${beside}: p50 ${quiet.p50Us / 1000} ms, p99 ${quiet.p99Us / 1000} ms`);
      }
    }
    return found;
  } finally {
    await system.remove();
    await end(provider.child);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ratios round by round, since machines drift; medians of them. */
export function neighboursText(runs: readonly Neighbours[]): string {
  const of = (beside: Beside) => runs.filter((run) => run.beside === beside);
  const usual = of(besides[0]);
  const lines = besides.map((beside) => {
    const these = of(beside);
    const latency = (key: 'p50Us' | 'p99Us') => {
      const ratio = median(these.map(({ quiet }, round) => quiet[key] / (usual[round]?.quiet[key] ?? Number.NaN)));
      return `${(median(these.map(({ quiet }) => quiet[key])) / 1000).toFixed(0)} ms (${ratio.toFixed(2)})`;
    };
    const errors = these.reduce((sum, { quiet }) => sum + quiet.errors, 0);
    const refused = median(these.map(({ loud }) => loud.errors / (loud.requests + loud.errors)));
    return (
      `a team at ${rate}/s beside another at ${beside}: p50 ${latency('p50Us')}, p99 ${latency('p99Us')}, ` +
      `${errors} errors; ${(refused * 100).toFixed(0)} % of the other's refused`
    );
  });
  const ratios = of(besides[1]).map(({ quiet }, round) => quiet.p99Us / (usual[round]?.quiet.p99Us ?? Number.NaN));
  const met = median(ratios) < p99RatioMax ? 'met' : 'missed';
  return [...lines, `goal, p99 beside ten times its load less than ${p99RatioMax} of the usual: ${met}`].join('\n');
}

const configuration = (provider: string) => `organization: bench
defaults: { concurrency: ${cap} }
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
providers:
  - { name: openai, type: openai, endpoint: "${provider}/v1", models: [gpt-4o] }
projects:
  - name: bench
    teams:
      - { name: quiet, limits: [{ tokens: 1000000000000, window: 1d }, { concurrency: 1000 }] }
      - { name: loud, limits: [{ tokens: 1000000000000, window: 1d }] }
      - { name: uncapped, limits: [{ tokens: 1000000000000, window: 1d }, { concurrency: 1000000 }] }
    proxies:
      - name: bench
        context: /bench
        provider: openai
        default: true
        guardrails:
          - piiMasking: { email: true, phone: true, ssn: true }
          - semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }
          - modelRotation: { models: [{ model: gpt-4o }] }
`;
