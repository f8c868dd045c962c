import type { FaultSpec } from '@tollgate/testing/azure';
import type { ProxyName, TeamName } from '../installation/configuration.ts';
import { between, pick, type Random, randomOf } from './random.ts';
import { ticketOf } from './ticket.ts';

type Kind = 'json' | 'stream' | 'leaving' | 'narrow' | 'repeated' | 'failover' | 'broken' | 'long' | 'probe';

/** One request, known before it is sent: everything in it follows from the seed and its number. */
export interface RequestPlan {
  number: number;
  kind: Kind;
  /** Unique, but for `repeated` ones: there it names the question. */
  ticket: string;
  /** What the caller sends as `x-request-id` and in its metadata: unique. */
  clientRequestId: string;
  team: TeamName;
  proxy: ProxyName;
  surface: 'chat' | 'responses';
  stream: boolean;
  /** Whom the caller asks for: the body's `user`. */
  user: string;
  /** Bytes of context before the question, beyond what one message of the bus holds. */
  contextBytes: number;
  /** The provider repeats it to the letter, so it is what a whole answer must say. */
  text: string;
  /** What the provider does to this call. */
  fault: FaultSpec | undefined;
  /** Above what the answer needs, so that it is never cut short. What is reserved may be less: what the model usually writes. */
  outputTokensMax: number;
  /** The caller leaves when so many bytes of content came, or after so long without any. */
  leaves: { contentBytes: number; ms: number } | undefined;
  /** Since the request before it: exponential, as independent callers come. */
  gapMs: number;
}

const words =
  'gate toll river bridge keeper word count name book page line mark stone road wall hand lamp rain wind field'.split(
    ' ',
  );
/** Twice what such an answer has: its ticket is some five tokens, each word one. */
const outputTokensPerWord = 2;
const outputTokensMin = 24;
const questions = 24;
const largePart = 0.004;
const largeBytes = 300_000;
/** Numbers of requests that the schedule sends itself are above those of the load. */
const longFrom = 10_000_000;
const probesFrom = 20_000_000;

/** Parts of the load; the rest are whole answers, half of them streams. */
const parts: readonly (readonly [Kind, number])[] = [
  ['narrow', 0.1],
  ['repeated', 0.08],
  ['leaving', 0.09],
  ['failover', 0.12],
  ['broken', 0.04],
  ['stream', 0.28],
  ['json', 0.29],
];

/** @param rate requests a second, on average */
export function requestPlan(seed: number, number: number, rate: number): RequestPlan {
  const random = randomOf(seed, number);
  const gapMs = (-Math.log(1 - random()) * 1000) / rate;
  return { ...planOf(random, kindOf(random()), number), gapMs };
}

/** A stream that lives longer than a lease, so that its owner must renew it. */
export function longPlan(seed: number, index: number): RequestPlan {
  const number = longFrom + index;
  const random = randomOf(seed, number);
  const plan = planOf(random, 'long', number, 100);
  // 100 words of a token each: 39 s, above the 30 s of a lease and the 5 s in which a reaper comes.
  return { ...plan, stream: true, fault: { chunkDelayMs: 390 } };
}

/** An ordinary question, to see whether callers are served. */
export function probePlan(seed: number, index: number): RequestPlan {
  const number = probesFrom + index;
  return planOf(randomOf(seed, number), 'probe', number);
}

function kindOf(roll: number): Kind {
  let upTo = 0;
  for (const [kind, part] of parts) {
    upTo += part;
    if (roll < upTo) return kind;
  }
  return 'json';
}

function planOf(random: Random, kind: Kind, number: number, wordCount = between(random, 4, 30)): RequestPlan {
  const ticket = ticketOf(kind === 'repeated' ? between(random, 0, questions - 1) + 30_000_000 : number);
  const said = kind === 'repeated' ? randomOf(0, questionOf(ticket)) : random;
  const count = kind === 'repeated' ? 12 : wordCount;
  const plan: RequestPlan = {
    number,
    kind,
    ticket,
    clientRequestId: `soak-${number}`,
    team: teamOf(random, kind),
    proxy: proxyOf(kind),
    surface: random() < 0.5 ? 'chat' : 'responses',
    stream: kind === 'stream' || (kind !== 'json' && random() < 0.5),
    text: `Repeat ${ticket} ${Array.from({ length: count }, () => pick(said, words)).join(' ')}`,
    user: `user-${between(random, 1, 5)}`,
    contextBytes: random() < largePart && kind !== 'narrow' && kind !== 'repeated' ? largeBytes : 0,
    fault: undefined,
    outputTokensMax: outputTokensMin + outputTokensPerWord * count,
    leaves: undefined,
    gapMs: 0,
  };
  // A third takes its time, so that every kill meets requests that run.
  if (kind === 'stream' && random() < 0.33) return { ...plan, fault: { chunkDelayMs: between(random, 30, 120) } };
  if (kind === 'json' && random() < 0.33) return { ...plan, fault: { delayMs: between(random, 200, 2000) } };
  if (kind === 'leaving') return { ...plan, ...leaving(random, plan.stream) };
  if (kind === 'failover') return { ...plan, fault: { ...faultOf(random, plan.stream), deployment: 'flaky' } };
  if (kind === 'broken') return { ...plan, fault: faultOf(random, plan.stream) };
  return plan;
}

/** A number of its own for each question, so that one has always the same text. */
function questionOf(ticket: string): number {
  return [...ticket].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) >>> 0;
}

function teamOf(random: Random, kind: Kind): TeamName {
  if (kind === 'narrow') return 'narrow';
  if (kind === 'long' || kind === 'probe') return 'engineering';
  return random() < 0.7 ? 'engineering' : 'research';
}

function proxyOf(kind: Kind): ProxyName {
  if (kind === 'repeated') return 'cached';
  if (kind === 'failover') return 'failover';
  return kind === 'broken' ? 'broken' : 'plain';
}

function leaving(random: Random, stream: boolean): Pick<RequestPlan, 'fault' | 'leaves'> {
  if (!stream) return { fault: { delayMs: 1500 }, leaves: { contentBytes: 1, ms: between(random, 50, 400) } };
  return { fault: { chunkDelayMs: 60 }, leaves: { contentBytes: between(random, 1, 60), ms: 10_000 } };
}

function faultOf(random: Random, stream: boolean): FaultSpec {
  const everywhere: FaultSpec[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429, retryAfterMs: 300 },
    { kind: 'cutBeforeHeaders' },
    { kind: 'cutAfterHeaders' },
    { kind: 'garbage' },
  ];
  const inStreams: FaultSpec[] = [
    { kind: 'cut', afterChunks: 3 },
    { kind: 'hang', afterChunks: 2 },
    { kind: 'truncate', afterChunks: 3 },
    { kind: 'errorInOk', afterChunks: 2 },
  ];
  const inJson: FaultSpec[] = [{ kind: 'cut' }, { kind: 'hangBeforeHeaders' }, { kind: 'errorInOk' }];
  return pick(random, [...everywhere, ...(stream ? inStreams : inJson)]);
}
