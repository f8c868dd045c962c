// A service as the supervisor sees one: reports over IPC, answers /readyz, ends on SIGTERM and with its parent. Its
// replica's name decides how it misbehaves; as the console it answers the part of the admin API that a start asks for.
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';

const {
  TOLLGATE_REPLICA: replica = '',
  TOLLGATE_SERVICES: services,
  TOLLGATE_CONSOLE_PORT: consolePort,
  TOLLGATE_FIXTURE_JOURNAL: journal,
} = process.env;
if (replica.startsWith('never')) {
  process.stderr.write('the fixture says why it does not start\n');
  process.exit(3);
}

const answers: Record<string, object> = {
  'POST /api/apply': { revision: 1, changes: [], applied: true },
  'GET /api/status': { revision: 1, warnings: ['the fixture warns'] },
  'POST /api/keys': { id: 'id', name: 'first-key', key: 'tg_fixture' },
};

/** Notes what was asked, so that a test can count it over several starts. */
function note(request: IncomingMessage): void {
  if (journal && request.url?.startsWith('/api/')) appendFileSync(journal, `${request.method} ${request.url}\n`);
}

const server = createServer((request, response) => {
  if (request.url === '/crash') process.exit(7);
  note(request);
  request.resume();
  response.end(JSON.stringify(answers[`${request.method} ${request.url}`] ?? { replica, pid: process.pid }));
}).listen(consolePort ? Number(consolePort) : 0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address !== 'object' || address === null) return;
  const url = `http://127.0.0.1:${address.port}`;
  // Of several services in it each but the last says where it is.
  const members = services?.split(',').map((name, at, { length }) => ({
    ...{ name, replica: `${name}-x`, address: at < length - 1 ? `${url}/${name}` : undefined },
  }));
  process.send?.({ type: 'ready', address: url, members, health: url });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  // One that hangs: it takes the signal and goes on.
  if (!replica.startsWith('deaf')) process.exit(0);
});
