import { request } from 'node:http';
import { controlSocketPath } from './socket-path.ts';

/** Scaling waits for replicas to drain or to start, so an answer may take that long. */
const answerMsMax = 120_000;

/** No launcher answers in this home folder. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
}

/**
 * Asks the launcher of `home`. Throws a NotRunningError when none answers, and with its message what it refuses.
 */
export function controlRequest<T>(
  home: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  timeoutMs = answerMsMax,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: controlSocketPath(home),
        method,
        path,
        timeout: timeoutMs,
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          try {
            const value = JSON.parse(text) as T & { error?: string };
            if (response.statusCode === 200) resolve(value);
            else reject(new Error(value.error));
          } catch {
            reject(new Error(`The launcher answers ${response.statusCode}: ${text.slice(0, 200)}`));
          }
        });
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`The launcher has not answered for ${timeoutMs / 1000} s.`)),
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const absent = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(error.code ?? '');
      reject(
        absent
          ? new NotRunningError(`Tollgate is not running in ${home}: npm start (TOLLGATE_HOME names another folder)`)
          : error,
      );
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
