// A service as the supervisor sees one: reports over IPC, answers /readyz, ends on SIGTERM and with its parent. Its
// replica's name decides how it misbehaves.
import { createServer } from 'node:http';

const replica = process.env.TOLLGATE_REPLICA ?? '';
if (replica.startsWith('never')) {
  process.stderr.write('the fixture says why it does not start\n');
  process.exit(3);
}
const server = createServer((request, response) => {
  if (request.url === '/crash') process.exit(7);
  response.end(JSON.stringify({ replica, pid: process.pid }));
}).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address !== 'object' || address === null) return;
  const url = `http://127.0.0.1:${address.port}`;
  process.send?.({ type: 'ready', address: url, health: url });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  // One that hangs: it takes the signal and goes on.
  if (!replica.startsWith('deaf')) process.exit(0);
});
