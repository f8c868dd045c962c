import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const part = Buffer.from(chunk({ content: 'x'.repeat(4000) }));
const end = `${chunk({}, 'stop')}data: [DONE]\n\n`;

/** A provider whose chat streams are as long and as fast as they are read, and that counts what it could send. */
export class EndlessProvider {
  static readonly answerBytes = 64 * 1024 * 1024;
  readonly #server: Server;
  readonly url: string;
  /** Answers that are under way. */
  open = 0;
  /** Handed to the system, by all answers. */
  sentBytes = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on('request', (request, response) => {
      request.resume();
      this.#answer(response);
    });
  }

  static async start(): Promise<EndlessProvider> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the provider does not listen');
    return new EndlessProvider(server, address.port);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(response: ServerResponse): void {
    this.open++;
    response.once('close', () => this.open--);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let sent = 0;
    const pump = () => {
      while (sent < EndlessProvider.answerBytes && !response.destroyed) {
        sent += part.length;
        this.sentBytes += part.length;
        if (!response.write(part)) return void response.once('drain', pump);
      }
      response.end(end);
    };
    pump();
  }
}
