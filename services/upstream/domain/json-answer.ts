import { Surface } from '@tollgate/contracts';
import { isRecord, type JsonRecord } from './json.ts';
import { keptItems } from './kept-items.ts';
import { freeUsage, readMessageUsage } from './message-usage.ts';
import { type ProviderError, readProviderError, statusOfError } from './provider-error.ts';
import { oneSearch, ToolCallCounter, withToldSearches } from './tool-calls.ts';
import { type Beside, type MeasuredUsage, nothingBeside, readBeside, readServiceTier, readUsage } from './usage.ts';

export interface GoodAnswer {
  kind: 'answer';
  usage: MeasuredUsage | undefined;
  beside: Beside;
  /** Generated text when there is no usage, bytes. */
  textBytes: number;
  cacheable: boolean;
  /** Ids of the items in it that the provider keeps. */
  items: readonly string[];
}

export type JsonAnswer =
  | GoodAnswer
  /** `usage`: an answer that failed may have cost something all the same. */
  | { kind: 'error'; status: number; error: ProviderError; usage: MeasuredUsage | undefined }
  | { kind: 'garbage'; reason: string };

/** Above it only the usage is parsed: nothing else of the answer is our business. */
const parsedBytesMax = 256 * 1024;
const noItems: readonly string[] = [];
const brace = { open: 0x7b, close: 0x7d };

/** What a 200 with a JSON body holds. */
export function readJsonAnswer(surface: Surface, body: Buffer): JsonAnswer {
  if (surface === Surface.STORED_RESPONSES) return readFree(body);
  if (surface === Surface.COUNT_TOKENS) return readCount(body);
  if (body.length > parsedBytesMax) return readLarge(surface, body);
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    return { kind: 'garbage', reason: 'the answer is not JSON' };
  }
  if (!isRecord(answer)) return { kind: 'garbage', reason: 'the answer is no JSON object' };
  const parts = answer[memberOf(surface)];
  const beside = readBeside(surface, answer);
  const usage = surface === Surface.MESSAGES ? readMessageUsage(answer.usage) : readUsage(answer.usage, beside);
  if (answer.error != null && !(Array.isArray(parts) && parts.length > 0)) return inBandError(answer.error, usage);
  if (!Array.isArray(parts)) return { kind: 'garbage', reason: `the answer has no ${memberOf(surface)}` };
  const cacheable = isWhole(surface, answer, parts);
  const items = surface === Surface.RESPONSES && answer.store !== false ? parts.flatMap(idOf) : noItems;
  return { kind: 'answer', usage, beside, textBytes: usage ? 0 : textBytes(parts), cacheable, items };
}

/** What is kept, an answer that failed too: its usage was booked when it was made. */
function readFree(body: Buffer): JsonAnswer {
  if (firstByte(body) !== brace.open || lastByte(body) !== brace.close) {
    return { kind: 'garbage', reason: 'the answer is no JSON object' };
  }
  // A response, or a list of what went into one.
  const items = keptItems(body, ['output', 'data']);
  return { kind: 'answer', usage: freeUsage, beside: nothingBeside, textBytes: 0, cacheable: false, items };
}

/** `{ "input_tokens": 14 }`. */
function readCount(body: Buffer): JsonAnswer {
  const answer = parse(body.toString('utf8'));
  if (!isRecord(answer)) return { kind: 'garbage', reason: 'the answer is no JSON object' };
  if (answer.error != null) return inBandError(answer.error, undefined);
  if (typeof answer.input_tokens !== 'number') return { kind: 'garbage', reason: 'the answer has no input_tokens' };
  return { kind: 'answer', usage: freeUsage, beside: nothingBeside, textBytes: 0, cacheable: false, items: noItems };
}

/** An error inside a 200 is the provider's fault; only a rate limit keeps its meaning (behaviour.md, fact 4). */
function inBandError(value: unknown, usage: MeasuredUsage | undefined): JsonAnswer {
  const error = readProviderError(value);
  const status = statusOfError(error);
  return { kind: 'error', status: status === 429 || status >= 500 ? status : 500, error, usage };
}

function memberOf(surface: Surface): 'choices' | 'output' | 'data' | 'content' {
  if (surface === Surface.EMBEDDINGS) return 'data';
  if (surface === Surface.MESSAGES) return 'content';
  return surface === Surface.RESPONSES ? 'output' : 'choices';
}

function idOf(item: unknown): string[] {
  return isRecord(item) && typeof item.id === 'string' ? [item.id] : [];
}

/** Finished as the model wanted and without tools: guard-cache judges the rest. */
function isWhole(surface: Surface, answer: JsonRecord, parts: unknown[]): boolean {
  if (surface === Surface.EMBEDDINGS) return false;
  if (surface === Surface.MESSAGES) return answer.stop_reason === 'end_turn' || answer.stop_reason === 'stop_sequence';
  if (surface === Surface.RESPONSES) return answer.status === 'completed';
  return parts.every((choice) => isRecord(choice) && choice.finish_reason === 'stop');
}

/** Strings under these names are generated text, on every surface. */
const textMembers = new Set(['content', 'text', 'arguments', 'reasoning_content', 'refusal', 'input', 'thinking']);
const depthMax = 12;

function textBytes(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > depthMax) return 0;
  let bytes = 0;
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'string') bytes += textBytes(member, depth + 1);
    else if (textMembers.has(key)) bytes += Buffer.byteLength(member);
  }
  return bytes;
}

function readLarge(surface: Surface, body: Buffer): JsonAnswer {
  if (firstByte(body) !== brace.open || lastByte(body) !== brace.close) {
    return { kind: 'garbage', reason: 'the answer is no JSON object' };
  }
  if (!body.includes(`"${memberOf(surface)}"`))
    return { kind: 'garbage', reason: `the answer has no ${memberOf(surface)}` };
  const beside = { serviceTier: lastServiceTier(body), toolCalls: largeToolCalls(surface, body) };
  const usage = lastMember(body, 'usage', (at) => {
    const told = objectAfter(body, at);
    return surface === Surface.MESSAGES ? readMessageUsage(told) : readUsage(told, beside);
  });
  const generated = usage || surface === Surface.EMBEDDINGS ? 0 : body.length;
  const items = surface === Surface.RESPONSES ? keptItems(body, ['output']) : noItems;
  return { kind: 'answer', usage, beside, textBytes: generated, cacheable: false, items };
}

/**
 * The last member of this name whose value `read` can read. A quote inside of a JSON string is always escaped, so a name with
 * bare quotes is a key, and no text.
 */
function lastMember<T>(body: Buffer, name: string, read: (afterKey: number) => T | undefined): T | undefined {
  const key = `"${name}"`;
  for (let at = body.lastIndexOf(key); at >= 0; at = at === 0 ? -1 : body.lastIndexOf(key, at - 1)) {
    if (body[at - 1] === 0x5c) continue;
    const value = read(at + key.length);
    if (value !== undefined) return value;
  }
  return undefined;
}

function lastServiceTier(body: Buffer): string {
  const read = (at: number) => /^\s*:\s*"([^"\\]+)"/.exec(body.toString('latin1', at, at + 100))?.[1];
  return readServiceTier(lastMember(body, 'service_tier', read));
}

const calls = '_call"';

/** Every web search that was called counts here, opened pages too, unless the provider tells its own count. */
function largeToolCalls(surface: Surface, body: Buffer): Beside['toolCalls'] {
  // Its usage tells them.
  if (surface === Surface.MESSAGES) return {};
  if (surface !== Surface.RESPONSES) return body.includes('"url_citation"') ? oneSearch : {};
  const counter = new ToolCallCounter();
  for (let at = body.indexOf(calls); at >= 0; at = body.indexOf(calls, at + calls.length)) {
    const before = body.toString('latin1', Math.max(0, at - 100), at + calls.length - 1);
    counter.add({ type: /"type"\s*:\s*"([a-z_]+)$/.exec(before)?.[1] });
  }
  return withToldSearches(
    counter.counts,
    lastMember(body, 'tool_usage', (at) => objectAfter(body, at)),
  );
}

const usageBytesMax = 4096;

function objectAfter(body: Buffer, at: number): unknown {
  const text = body.toString('latin1', at, at + usageBytesMax);
  const match = /^\s*:\s*(?=\{)/.exec(text);
  if (!match) return undefined;
  let depth = 0;
  for (let end = match[0].length; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === brace.open) depth++;
    else if (code === brace.close && --depth === 0) return parse(text.slice(match[0].length, end + 1));
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function firstByte(body: Buffer): number | undefined {
  let at = 0;
  while (at < body.length && (body[at] as number) <= 0x20) at++;
  return body[at];
}

function lastByte(body: Buffer): number | undefined {
  let at = body.length - 1;
  while (at >= 0 && (body[at] as number) <= 0x20) at--;
  return body[at];
}
