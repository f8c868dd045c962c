import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pathWithCurl } from './programs/curl.ts';

export interface CurlAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

let searched: Promise<string> | undefined;

/** Runs a shell line that calls `curl -v`, as somebody would type it, and reads what curl printed. */
export async function curl(line: string): Promise<CurlAnswer> {
  searched ??= pathWithCurl();
  const env = { ...process.env, PATH: await searched };
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', line], { env, maxBuffer: 64 * 1024 * 1024 });
  const headers = new Map<string, string>();
  let status = 0;
  for (const [, text = ''] of stderr.matchAll(/^< (.*?)\r?$/gm)) {
    const first = /^HTTP\/[\d.]+ (\d+)/.exec(text);
    if (first) {
      status = Number(first[1]);
      headers.clear();
    } else if (text.includes(':')) {
      const colon = text.indexOf(':');
      headers.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
    }
  }
  return { status, headers, body: stdout };
}
