import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// A provider that streams each chat completion at the pace of its two arguments, chunks a stream and chunks a second. Each
// chunk's content is its number. The streams of one moment share a timer, and the moments lie apart: a machine with two cores
// can hold thousands.

const [chunks = 0, perSecond = 0] = process.argv.slice(2).map(Number);
/** Moments of one interval between two chunks. */
const phases = 10;

const about = {
  ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000 },
  ...{ model: 'gpt-4o-2024-11-20', system_fingerprint: 'fp_1' },
};
const event = (more: object) => Buffer.from(`data: ${JSON.stringify({ ...about, ...more })}\n\n`);
const choice = (delta: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta, finish_reason, logprobs: null }], usage: null });

const begin = choice({ role: 'assistant', content: '' });
const contents = Array.from({ length: chunks }, (_, number) => choice({ content: `${number} ` }));
const usage = { prompt_tokens: 20, completion_tokens: chunks, total_tokens: 20 + chunks };
const end = Buffer.concat([choice({}, 'stop'), event({ choices: [], usage }), Buffer.from('data: [DONE]\n\n')]);

interface Stream {
  response: ServerResponse;
  next: number;
}

const turns: Set<Stream>[] = Array.from({ length: phases }, () => new Set());
let turn = 0;

function write(streams: Set<Stream>): void {
  for (const stream of streams) {
    const content = contents[stream.next++];
    if (content) {
      stream.response.write(content);
    } else {
      streams.delete(stream);
      stream.response.end(end);
    }
  }
}

const startedAt = performance.now();
const turnMs = 1000 / perSecond / phases;
let turned = 0;

// By the clock: a timer that is late is made up for, so that the pace holds on a busy machine.
setInterval(() => {
  for (const due = (performance.now() - startedAt) / turnMs; turned < due; turned++) {
    write(turns[turn] as Set<Stream>);
    turn = (turn + 1) % phases;
  }
}, turnMs);

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // The first content comes at once: what is added to it is the gateway's.
    response.write(Buffer.concat([begin, contents[0] as Buffer]));
    const stream = { response, next: 1 };
    const streams = turns[(turn + phases - 1) % phases] as Set<Stream>;
    streams.add(stream);
    response.on('close', () => streams.delete(stream));
  });
});
server.listen(0, '127.0.0.1', 4096, () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ type: 'ready', address: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
