import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A connection of the caller's own; `RedisConnection` is one. */
interface Asking {
  command(name: string, ...args: string[]): Promise<unknown>;
}

/**
 * How many commands clients sent to Redis while `work` ran: by MONITOR, which tells those of scripts apart. Each connection asks for
 * INFO once a second and sends PING when it is idle; these do not count. It costs Redis much, so no time is taken meanwhile.
 */
export async function commandsDuring<T>(
  { redis, redisUrl }: { redis: Asking; redisUrl: string },
  work: () => Promise<T>,
): Promise<{ sent: number; result: T }> {
  const { hostname, port, username, password } = new URL(redisUrl);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    const lines = createInterface({ input: socket });
    let sent = 0;
    let marker = '';
    const seen = new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (line.startsWith('-')) reject(new Error(`MONITOR: ${line}`));
        else if (marker !== '' && line.includes(marker)) resolve();
        else if (isSent(line)) sent++;
      });
      socket.on('close', () => reject(new Error('MONITOR ended')));
    });
    const login = password === '' ? [] : ['AUTH', ...(username === '' ? [] : [username]), decodeURIComponent(password)];
    const begun = once(lines, 'line');
    socket.write(`${[...(login.length > 0 ? [login.join(' ')] : []), 'MONITOR'].join('\r\n')}\r\n`);
    await begun;
    const asked = async () => {
      const done = await work();
      marker = randomUUID();
      await redis.command('ECHO', marker);
      return done;
    };
    const [result] = await Promise.all([asked(), seen]);
    return { sent, result };
  } finally {
    socket.destroy();
  }
}

/** Of clients' own connections: `+1764158012.123456 [0 127.0.0.1:54886] "evalsha" …`, of scripts `[0 lua]`. */
const fromClient = /^\+\d+\.\d+ \[\d+ (?!lua\])\S+\] "([^"]*)"/;
const unasked = new Set(['info', 'ping']);

/** Whether a line of MONITOR tells of a command that a client sent, and not by itself. */
export function isSent(line: string): boolean {
  const command = fromClient.exec(line)?.[1];
  return command !== undefined && !unasked.has(command.toLowerCase());
}
