import type { ConfigurationText } from './configuration/read.ts';

const answerMsMax = 30_000;

export interface Change {
  path: string;
  from?: unknown;
  to?: unknown;
  kind: string;
}

export interface ApplyAnswer {
  revision: number;
  changes: Change[];
  applied: boolean;
  /** What an operator must know of this configuration, such as an endpoint without TLS. */
  warnings?: string[];
}

export interface ConsoleStatus {
  revision: number;
  warnings?: string[];
  webhooks?: WebhookStatus[];
}

/** How a receiver of notifications is doing. */
export interface WebhookStatus {
  name: string;
  scope: string;
  scopeId: string;
  format: string;
  undelivered: number;
  oldestUndeliveredAtMs?: number;
  deliveredAtMs?: number;
  /** Since the last delivery. */
  failures: number;
  failedAtMs?: number;
  error?: string;
}

export interface CreatedKey {
  id: string;
  name: string;
  /** In plain text, this once. */
  key: string;
}

/** The admin API refused, with its status and the error's code. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface AdminRequest {
  method?: 'GET' | 'POST' | 'DELETE';
  query?: Record<string, string | undefined>;
  json?: unknown;
  yaml?: string;
  /** Until the whole answer is there. Default 30,000. */
  timeoutMs?: number;
}

/** The console's admin API, as the launcher and the command line use it. */
export class AdminClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** The parsed answer. Throws an AdminApiError for what the API refuses, another Error when it cannot be reached. */
  async json<T>(path: string, request: AdminRequest = {}): Promise<T> {
    const text = await this.text(path, request);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  /** The answer as it came. */
  async text(
    path: string,
    { method = 'GET', query = {}, json, yaml, timeoutMs = answerMsMax }: AdminRequest = {},
  ): Promise<string> {
    const url = new URL(this.#url + path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const type = yaml !== undefined ? 'application/yaml' : json !== undefined ? 'application/json' : undefined;
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(type && { 'content-type': type }) },
      body: yaml ?? (json === undefined ? undefined : JSON.stringify(json)),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: Error) => {
      throw new Error(
        `The console at ${this.#url} cannot be reached: ${(error.cause as Error | undefined)?.message ?? error.message}`,
      );
    });
    const text = await answer.text();
    if (answer.ok) return text;
    const { code, message } = errorIn(text);
    throw new AdminApiError(
      answer.status,
      code,
      message ?? `The console answers ${answer.status}: ${text.slice(0, 300)}`,
    );
  }

  /** Without files as plain YAML, which older consoles take too. */
  apply({ text, files }: ConfigurationText, { dryRun }: { dryRun: boolean }): Promise<ApplyAnswer> {
    const body = Object.keys(files).length === 0 ? { yaml: text } : { json: { configuration: text, files } };
    return this.json('/api/apply', { method: 'POST', ...body, query: { dryRun: dryRun ? 'true' : undefined } });
  }
}

function errorIn(text: string): { code: string; message?: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } };
    return { code: error?.code ?? '', message: error?.message };
  } catch {
    return { code: '' };
  }
}
