import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

// Loaded into each process of a system (NODE_OPTIONS), it notes at the exit of a service which TCP connections carried data, and
// whether TCP_NODELAY was set on them. Node tells of its sockets on public channels, and keeps the option under a symbol.

const seen = [];

for (const side of ['client', 'server']) {
  subscribe(`net.${side}.socket`, ({ socket }) => {
    const connection = { side, socket, port: socket.localPort };
    seen.push(connection);
    if (side === 'client') socket.once('connect', () => Object.assign(connection, { port: socket.remotePort }));
  });
}

process.once('exit', () => {
  const service = process.env.TOLLGATE_SERVICE;
  if (service === undefined) return;
  const used = seen.filter(({ socket }) => socket.bytesRead + socket.bytesWritten > 0);
  const connections = used.map(({ side, socket, port }) => {
    const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay');
    return { service, side, port, noDelay: symbol !== undefined && socket[symbol] };
  });
  const folder = new URL(import.meta.url).searchParams.get('folder') ?? '';
  writeFileSync(path.join(folder, `${process.pid}.json`), JSON.stringify(connections));
});
