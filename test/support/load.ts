export interface LoadResult {
  status: number;
  code: string;
  requestId: string;
  /** The whole answer came, as JSON or with the stream's proper end. */
  whole: boolean;
  /** `x-cache-status`; empty without one. */
  cache: string;
}

export interface LoadOptions {
  gatewayUrl: string;
  key: string;
  /** Requests a second, sent whether earlier ones are answered or not. */
  rate: number;
  stream?: boolean;
  /** The cache is asked, and keeps the answer. */
  cached?: boolean;
  prompt?: (number: number) => string;
}

/** An open-loop load until stop() is called, which resolves with every answer. */
export function startLoad(options: LoadOptions): { stop(): Promise<LoadResult[]>; sent(): number } {
  const answers: Promise<LoadResult>[] = [];
  const timer = setInterval(() => {
    const number = answers.length;
    answers.push(
      ask(options, options.prompt?.(number) ?? `Question ${number} of the load, ${process.hrtime.bigint()}`),
    );
  }, 1000 / options.rate);
  return {
    sent: () => answers.length,
    stop: () => {
      clearInterval(timer);
      return Promise.all(answers);
    },
  };
}

export async function ask(
  { gatewayUrl, key, stream = false, cached = false }: Omit<LoadOptions, 'rate'>,
  content: string,
): Promise<LoadResult> {
  try {
    const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'x-api-key': key },
        ...(!cached && { 'x-tollgate-cache': 'no-store' }),
      },
      body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content }] }),
      signal: AbortSignal.timeout(30_000),
    });
    const requestId = response.headers.get('x-request-id') ?? '';
    const body = await response.text();
    const whole = response.status === 200 && (stream ? body.trimEnd().endsWith('data: [DONE]') : body.endsWith('}'));
    const code = /"code":"([a-z_]+)"/.exec(body)?.[1] ?? '';
    return { status: response.status, code, requestId, whole, cache: response.headers.get('x-cache-status') ?? '' };
  } catch (error) {
    return { status: 0, code: String((error as Error).cause ?? error), requestId: '', whole: false, cache: '' };
  }
}
