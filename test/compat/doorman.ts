import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** Stands before a gateway and counts who comes: how often a client really asks is not for the gateway alone to tell. */
export interface Doorman {
  url: string;
  /** Requests since the last question, as method and path. */
  take(): string[];
  close(): Promise<void>;
}

/** @param key put in place of the caller's, for one whose key cannot be set */
export async function doorman(gatewayUrl: string, key?: string): Promise<Doorman> {
  const { hostname, port } = new URL(gatewayUrl);
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const { method, url: path } = incoming;
    const headers = key === undefined ? incoming.headers : { ...incoming.headers, authorization: `Bearer ${key}` };
    const onward = request({ hostname, port, method, headers, path });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, outgoing, () => {});
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    pipeline(incoming, onward, () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => seen.splice(0),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
