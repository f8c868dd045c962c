import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { type AzureSimulatorOptions, startAzureSimulator } from './index.ts';
import { isRecord, type JsonRecord, recordsOf } from './json.ts';
import type { AzureSimulator } from './simulator.ts';

/** What the tests beside this file share: a simulator for one test, and calls whose raw bytes can be looked at. */
export async function simulatorFor(t: TestContext, options: AzureSimulatorOptions = {}): Promise<AzureSimulator> {
  const simulator = await startAzureSimulator(options);
  t.after(() => simulator.close());
  return simulator;
}

export const CHAT_PATH = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
export const RESPONSES_PATH = '/openai/v1/responses';

export function chatBody(prompt: string, more: object = {}): JsonRecord {
  return { messages: [{ role: 'user', content: prompt }], ...more };
}

export function responsesBody(input: unknown, more: object = {}): JsonRecord {
  return { model: 'gpt-4o', input, ...more };
}

export function post(
  simulator: AzureSimulator,
  path: string,
  body: unknown,
  init: { signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Response> {
  const headers = { 'api-key': simulator.apiKey, 'content-type': 'application/json', ...init.headers };
  const bytes = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(simulator.address + path, { ...init, method: 'POST', headers, body: bytes });
}

export interface RawAnswer {
  /** Undefined when the socket ended before any headers. */
  status: number | undefined;
  headers: Record<string, unknown>;
  /** The body as it arrived, piece by piece. */
  pieces: string[];
  text: string;
  /** Whether the answer ended in good HTTP order. */
  whole: boolean;
}

/** A call that reports what came over the wire even when the other side broke off. */
export function rawPost(simulator: AzureSimulator, path: string, body: unknown): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const pieces: string[] = [];
    const answer: RawAnswer = { status: undefined, headers: {}, pieces, text: '', whole: false };
    const done = () => resolve({ ...answer, text: pieces.join('') });
    const headers = { 'api-key': simulator.apiKey, 'content-type': 'application/json' };
    const sent = request(simulator.address + path, { method: 'POST', headers, agent: false }, (response) => {
      answer.status = response.statusCode;
      answer.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (piece: string) => pieces.push(piece));
      response.on('end', () => {
        answer.whole = response.complete;
      });
      response.on('error', () => {});
      response.on('close', done);
    });
    sent.on('error', done);
    sent.end(JSON.stringify(body));
  });
}

/** The JSON payloads of a stream's events, without the final `[DONE]`. */
export function eventsOf(stream: string): JsonRecord[] {
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice('data: '.length)));
}

export function choicesOf(chunk: JsonRecord): JsonRecord[] {
  return recordsOf(chunk.choices);
}

/** The text of a chat stream's chunks, of all choices or of one. */
export function chatText(chunks: readonly JsonRecord[], index?: number): string {
  return chunks
    .flatMap(choicesOf)
    .filter((choice) => index === undefined || choice.index === index)
    .map((choice) => (isRecord(choice.delta) && typeof choice.delta.content === 'string' ? choice.delta.content : ''))
    .join('');
}

/** Follows keys and indexes into JSON; undefined where the path leads nowhere. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (Array.isArray(found) && typeof step === 'number') found = found.at(step);
    else if (isRecord(found) && typeof step === 'string') found = found[step];
    else return undefined;
  }
  return found;
}
