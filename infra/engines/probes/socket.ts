import { connect } from 'node:net';

const answerBytesMax = 65_536;

/**
 * Sends `request` (may be empty) to an address and returns what came back as soon as `complete` says that it is whole.
 * Rejects when the connection fails or `timeoutMs` passes first.
 */
export function exchange(
  address: { host: string; port: number },
  request: string,
  complete: (answer: string) => boolean,
  timeoutMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    let answer = '';
    const finish = (error: Error | undefined) => {
      socket.destroy();
      if (error) reject(error);
      else resolve(answer);
    };
    socket.setTimeout(timeoutMs, () =>
      finish(new Error(`no answer from ${address.host}:${address.port} in ${timeoutMs} ms`)),
    );
    socket.once('error', finish);
    socket.once('close', () => finish(new Error(`${address.host}:${address.port} closed the connection`)));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (data) => {
      answer += data.toString('utf8');
      if (complete(answer) || answer.length > answerBytesMax) finish(undefined);
    });
  });
}

/** Host and port of a URL, with `portDefault` where it names none. */
export function addressOf(url: string, portDefault: number): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port ? Number(port) : portDefault };
}
