import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are, and reads what comes until the server closes or `whole` says that it is enough. */
export async function raw(gatewayUrl: string, parts: (string | Buffer)[], { halfClose = false } = {}): Promise<string> {
  const { hostname, port } = new URL(gatewayUrl);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
    if (isWhole(answer)) socket.end();
  });
  // The server may answer and close before it has read everything: what came counts.
  const closed = new Promise<void>((resolve) => socket.on('error', () => resolve()).on('close', () => resolve()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no whole answer in 30 s: ${answer.slice(0, 200)}`)), 30_000);
  });
  for (const part of parts) socket.write(part);
  if (halfClose) socket.end();
  await Promise.race([closed, late]);
  clearTimeout(timer);
  socket.destroy();
  return answer;
}

/** An HTTP answer with all of the body that its Content-Length announces. */
function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end))?.[1];
  return end > 0 && length !== undefined && answer.length >= end + 4 + Number(length);
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}

export function errorOf(answer: string): { code: string; message: string; type: string; request_id: string } {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error;
}
