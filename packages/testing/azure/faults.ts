import { CONTENT_FILTER_MODES, type ContentFilterMode } from './filters.ts';
import { isRecord, type JsonRecord } from './json.ts';

/** Azure's, then Anthropic's. */
const SURFACES = ['chat', 'responses', 'embeddings', 'models', 'messages', 'count_tokens'] as const;

export type Surface = (typeof SURFACES)[number];

export function isSurface(value: unknown): value is Surface {
  return SURFACES.some((surface) => surface === value);
}

export const FAULT_KINDS = [
  /** Answers `status` with `body` (default: the provider's own for that status), `headers` and the Retry-After forms. */
  'status',
  /** Reads the request, then says nothing until the caller leaves. */
  'hangBeforeHeaders',
  /** Sends the headers of a 200, then nothing more. */
  'hangAfterHeaders',
  /** Goes silent after `afterChunks` content chunks of a stream, or in the middle of a JSON body. */
  'hang',
  /** Destroys the socket without a byte of an answer. */
  'cutBeforeHeaders',
  /** The same with a TCP reset. */
  'resetBeforeHeaders',
  /** Destroys the socket when the headers of a 200 are out. */
  'cutAfterHeaders',
  /** Destroys the socket after `afterChunks` content chunks (0: only the chunks without content), or in mid-body. */
  'cut',
  /** Ends a stream in good HTTP order after `afterChunks` content chunks, without its final events. JSON: half a body. */
  'truncate',
  /** 200 with broken JSON: the body, or an event after `afterChunks` content chunks. */
  'garbage',
  /** 200 with the right body (or `body`) under `contentType` (default text/html). */
  'contentType',
  /** 200 whose body is an error (`body`, default the provider's 500): for streams an event after `afterChunks` chunks. */
  'errorInOk',
  /** Azure's content filter stops the prompt: 400. */
  'promptFilter',
  /** Azure's content filter stops the answer half-way: `finish_reason: content_filter`. */
  'completionFilter',
  /** A Responses stream whose rate limit arrives inside HTTP 200; anything else gets the ordinary 429. */
  'responsesRateLimit',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Which calls to disturb, and how. Everything is optional: a fault without `kind` only delays or shapes the answer. */
export interface FaultSpec {
  kind?: FaultKind;

  deployment?: string;
  surface?: Surface;
  stream?: boolean;
  /** How many matching calls it takes; default: all, until it is cleared. */
  count?: number;

  /** 400 to 599. */
  status?: number;
  /** A string goes out as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  contentType?: string;
  afterChunks?: number;
  /** `retry-after` in seconds. Without any of the three no such header is sent. */
  retryAfterSeconds?: number;
  /** `retry-after-ms`. */
  retryAfterMs?: number;
  /** `retry-after` as an HTTP date so far from now; HTTP dates have whole seconds. */
  retryAfterDateMs?: number;

  /** Before the headers. */
  delayMs?: number;
  /** Before each content chunk; each is then sent alone, whatever the filter mode. */
  chunkDelayMs?: number;
  /** Each content chunk waits until this gate is opened for it (`openGate`); each is then sent alone. */
  gate?: string;
  /** Before each content chunk of a stream a comment line and an `event: ping`, as some gateways and servers send them. */
  pings?: boolean;
  contentFilter?: ContentFilterMode;
  /** Part of the prompt's tokens that usage reports as cached. */
  cachedTokens?: number;
  /** Part of the prompt's tokens, as the following. */
  cacheWriteTokens?: number;
  audioPromptTokens?: number;
  /** Added to the completion's tokens, as the following. */
  reasoningTokens?: number;
  audioCompletionTokens?: number;
  /** Calls of the provider's own tools, by tool (`{ web_search: 2 }`): items of a response; chat cites what was found. */
  toolCalls?: Record<string, number>;
  /** The `service_tier` that the answer names. */
  serviceTier?: string;
}

export interface ActiveFault {
  id: string;
  spec: FaultSpec;
  /** Undefined: without a limit. */
  remaining: number | undefined;
}

type Check = (value: unknown) => boolean;

const DELAY_MS_MAX = 600_000;
const count: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const delayMs: Check = (value) => count(value) && Number(value) <= DELAY_MS_MAX;
const text: Check = (value) => typeof value === 'string';

const FIELDS: Record<keyof FaultSpec, Check> = {
  kind: (value) => FAULT_KINDS.some((kind) => kind === value),
  deployment: text,
  surface: isSurface,
  stream: (value) => typeof value === 'boolean',
  count: (value) => count(value) && value !== 0,
  status: (value) => count(value) && Number(value) >= 400 && Number(value) <= 599,
  body: (value) => value !== undefined,
  headers: (value) => isRecord(value) && Object.values(value).every(text),
  contentType: text,
  afterChunks: count,
  retryAfterSeconds: count,
  retryAfterMs: count,
  retryAfterDateMs: count,
  delayMs,
  chunkDelayMs: delayMs,
  gate: text,
  pings: (value) => typeof value === 'boolean',
  contentFilter: (value) => CONTENT_FILTER_MODES.some((mode) => mode === value),
  cachedTokens: count,
  cacheWriteTokens: count,
  audioPromptTokens: count,
  reasoningTokens: count,
  audioCompletionTokens: count,
  toolCalls: (value) => isRecord(value) && Object.values(value).every((calls) => count(calls) && Number(calls) <= 100),
  serviceTier: text,
};

function isFaultSpec(value: JsonRecord): value is FaultSpec & JsonRecord {
  return faultProblems(value).length === 0;
}

function faultProblems(value: JsonRecord): string[] {
  const problems = Object.entries(value)
    .filter(([key, given]) => !(key in FIELDS) || !FIELDS[key as keyof FaultSpec](given))
    .map(([key, given]) => (key in FIELDS ? `${key} cannot be ${JSON.stringify(given)}` : `${key} is unknown`));
  if (value.kind === 'status' && value.status === undefined) problems.push('kind status needs a status');
  return problems;
}

/** @throws TypeError that names every wrong field: a typo in a fault must not look like a gateway that withstood it. */
export function parseFault(value: unknown): FaultSpec {
  if (!isRecord(value)) throw new TypeError('A fault is a JSON object');
  if (!isFaultSpec(value)) throw new TypeError(`Not a fault: ${faultProblems(value).join('; ')}`);
  return value;
}

export interface FaultTarget {
  deployment: string | undefined;
  surface: Surface;
  stream: boolean;
}

const FAULTS_MAX = 1_000;

/** The faults that wait for their calls. The first that matches wins, in the order in which they were added. */
export class FaultList {
  #faults: ActiveFault[] = [];
  #lastId = 0;

  /** @throws TypeError when the spec is wrong, RangeError when 1,000 faults wait already. */
  add(spec: FaultSpec): string {
    const parsed = parseFault(spec);
    if (this.#faults.length >= FAULTS_MAX) throw new RangeError(`More than ${FAULTS_MAX} faults: clear them first`);
    this.#lastId += 1;
    const id = `fault-${this.#lastId}`;
    this.#faults.push({ id, spec: parsed, remaining: parsed.count });
    return id;
  }

  take(target: FaultTarget): FaultSpec | undefined {
    const fault = this.#faults.find(({ spec }) => matches(spec, target));
    if (fault?.remaining !== undefined) {
      fault.remaining -= 1;
      if (fault.remaining === 0) this.#faults = this.#faults.filter((other) => other !== fault);
    }
    return fault?.spec;
  }

  list(): ActiveFault[] {
    return this.#faults.map((fault) => ({ ...fault }));
  }

  clear(): void {
    this.#faults = [];
  }
}

/** Whether a fault is meant for this call. */
export function matches(spec: FaultSpec, target: FaultTarget): boolean {
  return (
    (spec.deployment === undefined || spec.deployment === target.deployment) &&
    (spec.surface === undefined || spec.surface === target.surface) &&
    (spec.stream === undefined || spec.stream === target.stream)
  );
}

const MARKER = /\[\[sim (\{.*?\})\]\]/s;

/**
 * A fault that travels in the prompt: `[[sim {"kind":"status","status":429}]]`, with the fields of FaultSpec. For
 * callers who reach the simulator only through a gateway. The marker is no part of what the model reads.
 * @throws TypeError when the marker holds no valid fault.
 */
export function takeMarker(prompt: string): { prompt: string; fault: FaultSpec | undefined } {
  const marker = prompt.includes('[[sim ') ? MARKER.exec(prompt) : null;
  if (!marker) return { prompt, fault: undefined };
  let given: unknown;
  try {
    given = JSON.parse(marker[1] ?? '');
  } catch {
    throw new TypeError(`Not a fault: ${marker[0]} holds no JSON`);
  }
  return { prompt: prompt.replace(marker[0], '').trim(), fault: parseFault(given) };
}
