import { exchange } from './socket.ts';

export interface NatsInfo {
  version: string;
  jetstream: boolean;
}

const timeoutMs = 2_000;

/** What a NATS server says of itself when somebody connects; needs no credentials. Rejects when none answers. */
export async function probeNats(address: { host: string; port: number }): Promise<NatsInfo> {
  const answer = await exchange(address, '', (text) => text.includes('\r\n'), timeoutMs);
  const line = /^INFO (\{.*\})/.exec(answer)?.[1];
  if (!line) throw new Error(`${address.host}:${address.port} is no NATS server`);
  const { version, jetstream } = JSON.parse(line) as { version?: string; jetstream?: boolean };
  return { version: version ?? '', jetstream: jetstream === true };
}
