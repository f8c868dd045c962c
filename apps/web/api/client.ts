import type { Dashboard } from './types.ts';

const answerMsMax = 20_000;

/** The console refused or could not be reached; `code` is the API's, or `unreachable`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** @throws ApiError, or the signal's reason when it was aborted */
export function fetchDashboard(token: string, query: string, signal: AbortSignal): Promise<Dashboard> {
  return get<Dashboard>(`/api/dashboard?${query}`, token, signal);
}

/** Whether the console takes this token. @throws ApiError when it could not say */
export async function checkToken(token: string): Promise<boolean> {
  try {
    await get('/api/status', token);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'invalid_api_key') return false;
    throw error;
  }
}

async function get<T>(target: string, token: string, signal?: AbortSignal): Promise<T> {
  const late = AbortSignal.timeout(answerMsMax);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(target, {
      headers: { authorization: `Bearer ${token}` },
      signal: signal ? AbortSignal.any([signal, late]) : late,
      cache: 'no-store',
      credentials: 'omit',
    });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('unreachable', late.aborted ? 'The console does not answer.' : 'The console cannot be reached.');
  }
  const body = parse(text);
  if (answer.ok && body !== undefined) return body as T;
  throw toError(answer, body);
}

function toError(answer: Response, body: unknown): ApiError {
  const error = (body as { error?: { code?: string; message?: string } } | undefined)?.error;
  const retryAfterMs = Number(answer.headers.get('retry-after-ms')) || undefined;
  return new ApiError(
    error?.code ?? 'unreachable',
    error?.message ?? `The console answered ${answer.status} without saying why.`,
    retryAfterMs,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
