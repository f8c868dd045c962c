import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The parts of a .cpuprofile that are read (Chrome DevTools Protocol, Profiler.Profile). */
interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

export interface Spent {
  /** `function file:line`, or what the engine itself did, such as `(garbage collector)`. */
  where: string;
  /** Whose code that is: a part of this repository, a package, or one of the engine's own. */
  part: string;
  ms: number;
}

/** Milliseconds of CPU by function, without what it called, in the last `seconds` of a profile; the largest first. */
export function selfTimes(file: string, seconds: number): Spent[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map<string, Spent>();
  let leftUs = seconds * 1_000_000;
  for (let at = samples.length - 1; at > 0 && leftUs > 0; at--) {
    // A sample stands for the time until the next one.
    const us = timeDeltas[at] ?? 0;
    leftUs -= us;
    const frame = frames.get(samples[at - 1] ?? -1);
    if (!frame || frame.functionName === '(idle)') continue;
    const where = nameOf(frame);
    const spent = sums.get(where) ?? { where, part: partOf(frame), ms: 0 };
    spent.ms += us / 1000;
    sums.set(where, spent);
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

/** The same by parts, the largest first. */
export function byPart(spent: readonly Spent[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { part, ms } of spent) sums.set(part, (sums.get(part) ?? 0) + ms);
  return new Map([...sums].sort(([, a], [, b]) => b - a));
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  if (url === '') return functionName;
  return `${functionName || '(anonymous)'} ${shortened(url)}:${lineNumber + 1}`;
}

/** Relative to the repository, or to the folder of packages. */
function shortened(url: string): string {
  const short = url.startsWith('file:') ? path.relative(process.cwd(), new URL(url).pathname) : url;
  return short.replace(/^.*node_modules\//, '');
}

function partOf({ functionName, url }: CallFrame): string {
  if (functionName === '(garbage collector)') return 'garbage collector';
  // node's bindings of writev(2) and write(2): each is a system call, and most wake another process.
  if (url === '' && /^write(v|Buffer|Utf8String|String|Latin1String|AsciiString)$/.test(functionName)) return 'writes';
  if (url === '') return 'V8, libuv and HTTP/2';
  if (url.startsWith('node:')) return 'node';
  if (url.startsWith('wasm:')) return 'WebAssembly';
  const short = shortened(url);
  if (!url.includes('/node_modules/')) return short.startsWith('packages/contracts/') ? 'encoding' : 'Tollgate';
  const [scope = '', name = ''] = short.split('/');
  const owner = scope.startsWith('@') ? `${scope}/${name}` : scope;
  if (owner === '@bufbuild/protobuf') return 'encoding';
  return owner.startsWith('@nats-io/') ? '@nats-io' : owner;
}
