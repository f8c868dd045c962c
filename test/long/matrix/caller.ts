import type { Shape } from './faults.ts';
import type { Installation } from './installation.ts';

export interface Answer {
  status: number;
  headers: Headers;
  requestId: string;
  /** The model that served, and how many were tried, as the headers say. */
  model: string | null;
  attempts: string | null;
  body: string;
}

export interface AskOptions {
  prompt?: string;
  timeoutMs?: number;
  /** The caller leaves. */
  signal?: AbortSignal;
}

export const question = 'What is the capital of France?';
export const expected = 'The capital of France is Paris.';

/** The body of a request as the clients send it. */
export function requestBody({ surface, stream }: Shape, prompt = question): string {
  return JSON.stringify(
    surface === 'chat' ? { messages: [{ role: 'user', content: prompt }], stream } : { input: prompt, stream },
  );
}

export function pathOf(proxy: string, { surface }: Shape): string {
  return `/${proxy}/v1/${surface === 'chat' ? 'chat/completions' : 'responses'}`;
}

/** Asks a proxy and reads the answer to its end. @throws when the connection breaks in the middle */
export async function ask(
  { gatewayUrl, key }: Pick<Installation, 'gatewayUrl' | 'key'>,
  proxy: string,
  shape: Shape,
  { prompt, timeoutMs, signal }: AskOptions = {},
): Promise<Answer> {
  const response = await fetch(gatewayUrl + pathOf(proxy, shape), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': key,
      ...(timeoutMs !== undefined && { 'x-tollgate-timeout-ms': String(timeoutMs) }),
    },
    body: requestBody(shape, prompt),
    ...(signal && { signal }),
  });
  const { status, headers } = response;
  return {
    ...{ status, headers, body: await response.text() },
    requestId: headers.get('x-request-id') ?? '',
    model: headers.get('x-tollgate-model'),
    attempts: headers.get('x-tollgate-attempts'),
  };
}
