import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tollgate } from '../contenders/tollgate.ts';
import { load } from '../measure.ts';
import { type Spent, selfTimes } from './read-profile.ts';

const warmUpSeconds = 20;
const functionsShown = 12;
/** 1 ms samples disturb the least; over some seconds they are thousands. */
const intervalUs = 1000;

export interface ProfileOptions {
  /** TOLLGATE_TOGETHER. */
  together: string;
  /** Requests a second; 0 = full load. */
  rate: number;
}

/**
 * What Tollgate's processes spend their time on: by service the functions with the most time of their own,
 * from V8's sampling profiler (`node --cpu-prof`), once compilers are done.
 */
export async function profile(upstreamUrl: string, seconds: number, options: ProfileOptions): Promise<string> {
  const { together, rate } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-profile-'));
  const { NODE_OPTIONS: before = '' } = process.env;
  try {
    process.env.NODE_OPTIONS = `${before} --cpu-prof --cpu-prof-interval=${intervalUs} --cpu-prof-dir=${folder}`;
    const contender = await tollgate(upstreamUrl, 'Tollgate', together);
    try {
      process.env.NODE_OPTIONS = before;
      const { url, headers } = contender;
      const mode = rate > 0 ? ({ kind: 'open', rate } as const) : ({ kind: 'closed', connections: 64 } as const);
      await load({ url, headers, mode, seconds, warmUpSeconds, largeBodyBytes: 0 });
    } finally {
      // A profile is written when its process ends.
      await contender.stop();
    }
    const parts: string[] = [];
    for (const file of (await readdir(folder)).sort()) {
      const service = await serviceOf(path.join(folder, file));
      if (service) parts.push(describe(service, selfTimes(path.join(folder, file), seconds)));
    }
    return parts.sort().join('\n\n');
  } finally {
    process.env.NODE_OPTIONS = before;
    await rm(folder, { recursive: true, force: true });
  }
}

async function serviceOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8');
  return (
    /\/services\/([a-z-]+)\/main\.ts/.exec(text)?.[1] ??
    (/\/launcher\/together\/main\.ts/.test(text) ? 'several together' : undefined)
  );
}

function describe(service: string, spent: Spent[]): string {
  const total = spent.reduce((sum, { ms }) => sum + ms, 0);
  const lines = spent.slice(0, functionsShown).map(({ where, ms }) => {
    const share = total > 0 ? (ms / total) * 100 : 0;
    return `  ${share.toFixed(1).padStart(5)} %  ${where}`;
  });
  return [`${service}: ${total.toFixed(0)} ms of CPU`, ...lines].join('\n');
}
