import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A provider that answers each chat completion with the same text after some milliseconds, its one argument: requests last,
// as they do where a model writes, and cost this machine next to nothing.

const afterMs = Number(process.argv[2]);
const answer = JSON.stringify({
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_700_000_000, model: 'gpt-4o-2024-11-20' },
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Like a fridge, turned around.' }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28 },
});

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(answer), afterMs);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ type: 'ready', address: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
