import type { FaultSpec } from '@tollgate/testing/azure';

/** Seconds that a target rests when its provider asks for nothing longer, and the longest that it may ask for. */
export const suspendSeconds = 90;
export const suspendSecondsMax = 300;

type SurfaceName = 'chat' | 'responses';

export interface Shape {
  name: string;
  surface: SurfaceName;
  stream: boolean;
}

export const shapes: readonly Shape[] = [
  { name: 'chat-json', surface: 'chat', stream: false },
  { name: 'chat-stream', surface: 'chat', stream: true },
  { name: 'responses-json', surface: 'responses', stream: false },
  { name: 'responses-stream', surface: 'responses', stream: true },
];

/** Where a provider is that cannot be reached as it should. */
export type Nowhere = 'refused' | 'reset-in-handshake' | 'unknown-certificate' | 'no-tls' | 'no-such-name';

/** What becomes of a target after one request met the fault, and after a second one did. */
type Outcome =
  /** Suspended at once. */
  | 'suspend'
  /** Suspended when two different requests met it. */
  | 'suspect'
  /** Ours to mend: never suspended. */
  | 'none';

/** What a caller gets when there is no other target. */
export interface Refused {
  status: number;
  code: string;
  /** Milliseconds of `retry-after-ms`, the least and the most. */
  retryAfterMs?: readonly [number, number];
}

export interface FaultRow {
  name: string;
  /** Of the simulator, or the address that is wrong. */
  fault: FaultSpec | Nowhere;
  /** Left out: both. */
  only?: 'stream' | 'json';
  /** The ledger's words on the attempt. */
  httpStatus: number;
  code: string | ((shape: Shape) => string);
  outcome: Outcome;
  /** Milliseconds of rest, the least and the most, when it is suspended; left out: the configured ones. */
  restMs?: readonly [number, number];
  /** Whether the provider may bill what failed, so that the row charges an estimate. */
  billed: boolean;
  refused: Refused;
  /** The caller's own deadline, for what would else last minutes. */
  timeoutMs?: number;
}

const broken: Refused = { status: 502, code: 'upstream_error' };
const silent: Refused = { status: 504, code: 'upstream_timeout' };
const limited = (leastMs: number, mostMs = leastMs): Refused => ({
  status: 429,
  code: 'upstream_rate_limited',
  retryAfterMs: [leastMs, mostMs],
});
const seconds = (count: number) => [count * 1000, count * 1000] as const;
const tooMany = { httpStatus: 429, code: 'RateLimitReached', outcome: 'suspend', billed: false } as const;
const away = { httpStatus: 0, code: 'unreachable', outcome: 'suspend', billed: false, refused: broken } as const;
const cut = { httpStatus: 0, code: 'cut', outcome: 'suspect', billed: false, refused: broken } as const;
const garbled = { httpStatus: 200, code: 'garbage', outcome: 'suspect', billed: true, refused: broken } as const;
/** Half of it is the first target's, the rest is for the second. */
const patienceMs = 4000;

/** Before the first content: nobody but the ledger hears of it while another target is healthy. */
export const earlyFaults: readonly FaultRow[] = [
  {
    ...{ name: '429-retry-after', ...tooMany },
    fault: { kind: 'status', status: 429, retryAfterSeconds: 120 },
    ...{ restMs: seconds(120), refused: limited(120_000) },
  },
  {
    ...{ name: '429-retry-after-ms', ...tooMany },
    // The more exact one counts.
    fault: { kind: 'status', status: 429, retryAfterMs: 101_500, retryAfterSeconds: 200 },
    ...{ restMs: [101_500, 101_500], refused: limited(101_500) },
  },
  {
    ...{ name: '429-date', ...tooMany },
    // A date has whole seconds.
    fault: { kind: 'status', status: 429, retryAfterDateMs: 140_000 },
    ...{ restMs: [138_000, 140_000], refused: limited(130_000, 140_000) },
  },
  {
    ...{ name: '429-none', ...tooMany },
    fault: { kind: 'status', status: 429 },
    refused: limited(1000),
  },
  {
    ...{ name: '429-shorter', ...tooMany },
    fault: { kind: 'status', status: 429, retryAfterSeconds: 2 },
    refused: limited(2000),
  },
  {
    ...{ name: '429-a-day', ...tooMany },
    fault: { kind: 'status', status: 429, retryAfterSeconds: 86_400 },
    ...{ restMs: seconds(suspendSecondsMax), refused: limited(86_400_000) },
  },
  {
    ...{ name: '500', httpStatus: 500, code: 'http_500', outcome: 'suspect', billed: false, refused: broken },
    fault: { kind: 'status', status: 500, body: '<html>Internal Server Error</html>', contentType: 'text/html' },
  },
  {
    ...{ name: '502', httpStatus: 502, code: 'server_error', outcome: 'suspect', billed: false, refused: broken },
    fault: { kind: 'status', status: 502 },
  },
  {
    ...{ name: '503', httpStatus: 503, code: 'ServiceUnavailable', outcome: 'suspend', billed: false, refused: broken },
    fault: { kind: 'status', status: 503, retryAfterSeconds: 100 },
    restMs: seconds(100),
  },
  {
    ...{ name: '529', httpStatus: 529, code: 'http_529', outcome: 'suspend', billed: false, refused: broken },
    fault: { kind: 'status', status: 529, body: 'overloaded', contentType: 'text/plain' },
  },
  {
    ...{ name: '401', httpStatus: 401, code: '401', outcome: 'none', billed: false },
    fault: { kind: 'status', status: 401 },
    refused: { status: 502, code: 'upstream_misconfigured' },
  },
  { name: 'refused', fault: 'refused', ...away },
  { name: 'reset-in-handshake', fault: 'reset-in-handshake', ...away },
  { name: 'unknown-certificate', fault: 'unknown-certificate', ...away },
  { name: 'no-tls', fault: 'no-tls', ...away },
  { name: 'no-such-name', fault: 'no-such-name', ...away },
  { name: 'reset', fault: { kind: 'resetBeforeHeaders' }, ...cut },
  { name: 'cut-before-headers', fault: { kind: 'cutBeforeHeaders' }, ...cut },
  { name: 'cut-after-headers', fault: { kind: 'cutAfterHeaders' }, ...cut, httpStatus: 200, billed: true },
  { name: 'cut-before-content', fault: { kind: 'cut' }, ...cut, httpStatus: 200, billed: true },
  {
    ...{ name: 'hang-before-headers', code: 'timeout', outcome: 'suspect', billed: true, refused: silent },
    ...{ fault: { kind: 'hangBeforeHeaders' }, httpStatus: 0, timeoutMs: patienceMs },
  },
  {
    ...{ name: 'hang-after-headers', code: 'timeout', outcome: 'suspect', billed: true, refused: silent },
    ...{ fault: { kind: 'hangAfterHeaders' }, httpStatus: 200, timeoutMs: patienceMs },
  },
  {
    ...{ name: 'hang-before-content', code: 'timeout', outcome: 'suspect', billed: true, refused: silent },
    ...{ fault: { kind: 'hang' }, httpStatus: 200, timeoutMs: patienceMs },
  },
  // Half a JSON body in good HTTP order is garbage, half a stream is a cut.
  {
    ...{ name: 'half', fault: { kind: 'truncate' }, ...garbled },
    code: ({ stream }) => (stream ? 'cut' : 'garbage'),
  },
  { name: 'garbage', fault: { kind: 'garbage' }, ...garbled },
  { name: 'content-type', fault: { kind: 'contentType' }, ...garbled },
  {
    ...{ name: 'html-in-ok', only: 'json', ...garbled },
    fault: { kind: 'contentType', contentType: 'text/html', body: '<html>Sign in</html>' },
  },
  {
    ...{
      name: 'error-in-ok',
      httpStatus: 500,
      code: 'server_error',
      outcome: 'suspect',
      billed: true,
      refused: broken,
    },
    fault: { kind: 'errorInOk' },
  },
  {
    ...{ name: 'unavailable-in-ok', httpStatus: 503, code: 'ServiceUnavailable', outcome: 'suspend', billed: true },
    ...{ fault: { kind: 'errorInOk', status: 503 }, refused: broken },
  },
  {
    ...{ name: 'rate-limit-in-ok', ...tooMany },
    fault: { kind: 'errorInOk', status: 429, retryAfterSeconds: 110 },
    ...{ restMs: seconds(110), refused: limited(110_000) },
  },
  {
    ...{ name: 'rate-limit-in-events', ...tooMany },
    fault: { kind: 'responsesRateLimit', retryAfterSeconds: 115 },
    code: ({ surface, stream }) => (surface === 'responses' && stream ? 'rate_limit_exceeded' : 'RateLimitReached'),
    ...{ restMs: seconds(115), refused: limited(115_000) },
  },
];

/** After the first content (of streams, so) there is no other target: the caller hears of it, honestly. */
export const lateFaults: readonly FaultRow[] = (
  [
    {
      ...{ name: 'late-cut', ...cut, httpStatus: 200, billed: true },
      fault: { kind: 'cut', afterChunks: 3, chunkDelayMs: 5 },
    },
    {
      ...{ name: 'late-end', ...cut, httpStatus: 200, billed: true },
      fault: { kind: 'truncate', afterChunks: 3, chunkDelayMs: 5 },
    },
    { name: 'late-garbage', fault: { kind: 'garbage', afterChunks: 3, chunkDelayMs: 5 }, ...garbled },
    {
      ...{
        name: 'late-error',
        httpStatus: 500,
        code: 'server_error',
        outcome: 'suspect',
        billed: true,
        refused: broken,
      },
      fault: { kind: 'errorInOk', afterChunks: 3, chunkDelayMs: 5 },
    },
    {
      ...{ name: 'late-rate-limit', ...tooMany, billed: true, refused: broken, restMs: seconds(112) },
      fault: { kind: 'errorInOk', status: 429, retryAfterSeconds: 112, afterChunks: 3, chunkDelayMs: 5 },
    },
    {
      ...{ name: 'late-silence', code: 'timeout', outcome: 'suspect', billed: true, refused: silent },
      ...{ fault: { kind: 'hang', afterChunks: 3, chunkDelayMs: 5 }, httpStatus: 200 },
    },
  ] satisfies FaultRow[]
).map((row) => ({ ...row, only: 'stream' as const }));

/** One fault in one shape, with targets and proxies of its own, so that no case's suspensions are another's. */
export interface Case {
  id: string;
  row: FaultRow;
  shape: Shape;
}

export function casesOf(rows: readonly FaultRow[]): Case[] {
  return rows.flatMap((row) =>
    shapes
      .filter(({ stream }) => row.only === undefined || stream === (row.only === 'stream'))
      .map((shape) => ({ id: `${row.name}-${shape.name}`, row, shape })),
  );
}
