import { isAscii, isUtf8 } from 'node:buffer';
import { Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Collected, TextSpan } from './collected.ts';
import { inputParts } from './input-bound.ts';
import type { InputParts } from './input-parts.ts';
import type { Mark } from './marks.ts';
import { referencesOf } from './references.ts';
import { Scanner } from './scanner.ts';
import { collect } from './texts.ts';

export interface Span {
  start: number;
  end: number;
}

interface Member extends Span {
  key: string;
  /** Where the key's literal begins; `start` and `end` are the value's. */
  keyStart: number;
}

/** What the guards and the dispatch need to know of a body; offsets point into its bytes. */
export interface BodyIndex {
  members: Member[];
  /** Every text that the model reads, in the order of the body; literals with their quotes. */
  texts: TextSpan[];
  /** Position in `texts` of the last user text, when it is one plain text; else -1. */
  lastUserText: number;
  /** The body's model; empty when it names none. */
  model: string;
  stream: boolean;
  /** The answer is to be made in the background and fetched by its id. */
  background: boolean;
  /** The caller asked for usage in a chat stream. */
  includeUsage: boolean;
  /** Callers' bound on output tokens; 0 when there is none. */
  outputTokensMax: number;
  n: number;
  user: string;
  /** What the caller calls the prompt in the provider's cache (`prompt_cache_key`); empty when it says nothing. */
  promptCacheKey: string;
  /** The answer depends on state at the provider: it cannot be cached. */
  stateful: boolean;
  /** The response that is gone on from, as the caller named it; empty when there is none. */
  previousResponseId: string;
  /** One for each encrypted content, in the order of the body. */
  marks: Mark[];
  /** Behind ids of items that callers got from here. */
  tags: Mark[];
  /** Ids of the input's items whose content their provider keeps. */
  references: readonly string[];
  /** Some of an embedding's input are tokens, in which nobody finds a text. */
  hasTokens: boolean;
  /** What the body's size does not bound; only where it was asked for. */
  input?: InputParts;
}

/** Of a request that has no body. */
export const emptyIndex: BodyIndex = Object.freeze({
  ...{ members: [], texts: [], lastUserText: -1, model: '', stream: false, includeUsage: false, background: false },
  ...{ outputTokensMax: 0, n: 1, user: '', promptCacheKey: '', stateful: false, previousResponseId: '' },
  ...{ marks: [], tags: [], references: [], hasTokens: false },
});

const none: readonly string[] = [];
const objectOpen = 0x7b;
/** The largest real request has some forty. */
const membersMax = 256;

/**
 * Checks and reads a request body, the one time that this is done.
 *
 * @param bounded also looks for what the body's size does not bound
 * @throws TollgateError `invalid_json` (empty, not UTF-8, not JSON), `invalid_request` (a field of the wrong type, or a `conversation`)
 */
export function indexBody(bytes: Buffer, surface: Surface, bounded = false): BodyIndex {
  if (bytes.length === 0)
    throw new TollgateError('invalid_json', { message: 'The request body is empty; it must be a JSON object.' });
  if (!isUtf8(bytes)) throw new TollgateError('invalid_json', { message: 'The request body is not valid UTF-8.' });
  const body = parse(bytes);
  const members: Member[] = [];
  const found: Collected = { texts: [], marks: [], tags: [] };
  const scanner = new Scanner(bytes);
  scanner.peek();
  scanner.object((key, keyStart) => {
    if (members.some((member) => member.key === key)) throw invalid(key, `stands twice in the body`);
    if (members.length >= membersMax) throw invalid(key, `is one of more than ${membersMax} members of the body`);
    const start = scanner.position;
    collect(scanner, surface, key, found);
    members.push({ key, keyStart, start, end: scanner.position });
  });
  if (members.length === 0)
    throw new TollgateError('invalid_request', { message: 'The request body is an empty object.' });
  const { texts, marks, tags } = found;
  const references = surface === Surface.RESPONSES ? referencesOf(body.input) : none;
  const index: BodyIndex = {
    ...settings(body, surface),
    ...{ members, texts, marks, tags, references, lastUserText: lastUserText(body, surface, texts) },
  };
  // Only the resource that encrypted or keeps it can read it.
  if (marks.length > 0 || references.length > 0) index.stateful = true;
  if (bounded) index.input = inputParts(body, surface);
  return index;
}

function parse(bytes: Buffer): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8'));
  } catch (error) {
    // V8's message quotes the text around the fault: it must reach neither the caller's logs nor ours.
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw new TollgateError('invalid_json', {
      message: `The request body is not JSON${position ? ` (at character ${position})` : ''}.`,
    });
  }
  if (typeof body !== 'object' || body === null || bytes[firstByte(bytes)] !== objectOpen) {
    throw new TollgateError('invalid_request', { message: 'The request body must be a JSON object.' });
  }
  return body as Record<string, unknown>;
}

function firstByte(bytes: Buffer): number {
  let position = 0;
  while ((bytes[position] as number) <= 0x20) position++;
  return position;
}

function settings(body: Record<string, unknown>, surface: Surface) {
  if (surface === Surface.EMBEDDINGS) return embeddingSettings(body);
  if (surface === Surface.MESSAGES) return messagesSettings(body);
  // Counting generates nothing and is no stream.
  if (surface === Surface.COUNT_TOKENS) return { ...messagesSettings(body), stream: false, outputTokensMax: 0 };
  const chat = surface === Surface.CHAT_COMPLETIONS;
  if (chat && !Array.isArray(body.messages)) throw invalid('messages', 'must be an array of messages');
  const outputTokensMax = chat
    ? (wholeNumber(body, 'max_completion_tokens') ?? wholeNumber(body, 'max_tokens') ?? 0)
    : (wholeNumber(body, 'max_output_tokens') ?? 0);
  const streamOptions = body.stream_options;
  if (streamOptions != null && (typeof streamOptions !== 'object' || Array.isArray(streamOptions))) {
    throw invalid('stream_options', 'must be an object');
  }
  if (!chat && body.conversation != null) throw noConversations();
  const previousResponseId = chat ? '' : (text(body, 'previous_response_id') ?? '');
  return {
    model: text(body, 'model') ?? '',
    stream: flag(body, 'stream') ?? false,
    background: surface === Surface.RESPONSES && inBackground(body),
    includeUsage: (streamOptions as { include_usage?: unknown } | null | undefined)?.include_usage === true,
    outputTokensMax,
    n: wholeNumber(body, 'n') ?? 1,
    user: text(body, 'user') ?? '',
    // What the provider would refuse is for it to say.
    promptCacheKey: typeof body.prompt_cache_key === 'string' ? body.prompt_cache_key : '',
    stateful: body.previous_response_id != null || body.conversation != null,
    previousResponseId,
    hasTokens: false,
  };
}

/** There is no way here to make one, so its id is another gateway's or nobody's: it would be read at any resource. */
function noConversations(): TollgateError {
  return invalid('conversation', 'is not supported; go on with "previous_response_id", or send the items themselves');
}

/** What is not kept cannot be fetched later (OpenAI, "Background mode": it needs `store`, which is true where it is left out). */
function inBackground(body: Record<string, unknown>): boolean {
  const background = flag(body, 'background') ?? false;
  if (background && flag(body, 'store') === false) throw invalid('background', 'needs "store" to be true');
  return background;
}

/**
 * Of Anthropic's Messages API what would pass by what is held here: a conversation that the provider keeps, which is no team's
 * (`thread`), and other models than those that keys, prices and regions allow (`fallbacks`; a rotation does that).
 */
const elsewhere = ['thread', 'fallbacks'];

/** Anthropic's Messages API. What it would refuse, a missing limit too, is for the provider to say. */
function messagesSettings(body: Record<string, unknown>) {
  if (!Array.isArray(body.messages)) throw invalid('messages', 'must be an array of messages');
  for (const name of elsewhere) if (body[name] != null) throw invalid(name, 'is not served by this build');
  const tools = Array.isArray(body.tools) ? body.tools : [];
  const named = tools.findIndex((tool) => tool?.model != null);
  if (named >= 0) throw invalid(`tools[${named}].model`, 'names a model that nobody admitted');
  const { user_id: user } = (body.metadata ?? {}) as { user_id?: unknown };
  return {
    ...emptyIndex,
    model: text(body, 'model') ?? '',
    stream: flag(body, 'stream') ?? false,
    outputTokensMax: wholeNumber(body, 'max_tokens') ?? 0,
    user: typeof user === 'string' ? user : '',
    // A container keeps files, a server of tools whatever it likes.
    stateful: body.container != null || body.mcp_servers != null,
  };
}

/** An input is a text, a list of texts, a list of tokens or a list of such lists (OpenAI, "Create embeddings"). */
function embeddingSettings(body: Record<string, unknown>) {
  const { input } = body;
  if (typeof input !== 'string' && !Array.isArray(input)) throw invalid('input', 'must be a text or an array');
  return {
    ...emptyIndex,
    model: text(body, 'model') ?? '',
    user: text(body, 'user') ?? '',
    hasTokens: typeof input !== 'string' && input.some((one) => typeof one !== 'string'),
  };
}

/** The one plain text of the last message that a user wrote. */
function lastUserText(body: Record<string, unknown>, surface: Surface, texts: TextSpan[]): number {
  if (surface === Surface.EMBEDDINGS) return -1;
  const list = surface === Surface.RESPONSES ? body.input : body.messages;
  if (typeof list === 'string') return texts.findIndex((span) => span.item === -1);
  if (!Array.isArray(list)) return -1;
  const item = list.findLastIndex((message) => message?.role === 'user');
  const content = list[item]?.content;
  const plain =
    typeof content === 'string' || (Array.isArray(content) && content.length === 1 && !isResult(content[0]));
  if (!plain) return -1;
  const found = texts.flatMap((span, position) => (span.item === item ? [position] : []));
  return found.length === 1 ? (found[0] as number) : -1;
}

/** On messages what a tool found stands in a turn of the user's. */
function isResult(part: unknown): boolean {
  return (part as { type?: unknown } | null)?.type === 'tool_result';
}

function text(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  if (value == null) return undefined;
  if (typeof value !== 'string') throw invalid(key, 'must be a string');
  return value;
}

function flag(body: Record<string, unknown>, key: string): boolean | undefined {
  const value = body[key];
  if (value == null) return undefined;
  if (typeof value !== 'boolean') throw invalid(key, 'must be true or false');
  return value;
}

function wholeNumber(body: Record<string, unknown>, key: string): number | undefined {
  const value = body[key];
  if (value == null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw invalid(key, 'must be a whole number');
  // uint32 on the wire; no model writes more.
  return Math.min(value, 0xffff_ffff);
}

function invalid(param: string, what: string): TollgateError {
  const shown = param.slice(0, 64);
  return new TollgateError('invalid_request', { message: `"${shown}" ${what}.`, param: shown });
}
