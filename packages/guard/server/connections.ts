import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { connectionHeader } from '../wire/service.ts';
import { Connection, type ConnectionOptions } from './connection.ts';

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** All connections of pipelines to this server; pairs the two streams of each by their metadata. */
export class Connections {
  readonly #options: Omit<ConnectionOptions, 'closed'>;
  readonly #open = new Set<Connection>();
  readonly #byId = new Map<string, Connection>();
  #draining = false;
  #drained: (() => void) | undefined;

  constructor(options: Omit<ConnectionOptions, 'closed'>) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  readonly exchange = (stream: Stream): void => {
    const connection = this.#of(stream);
    connection.attachExchange(stream);
    stream.sendMetadata(new Metadata());
    if (this.#draining) connection.drain();
  };

  readonly exchangeBulk = (stream: Stream): void => {
    this.#of(stream).attachBulk(stream);
    stream.sendMetadata(new Metadata());
  };

  /** Resolves when every caller has its answers and has closed its side, or after `msMax`. */
  async drain(msMax: number): Promise<void> {
    this.#draining = true;
    for (const connection of this.#open) connection.drain();
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    const timer = setTimeout(resolve, msMax);
    await promise;
    clearTimeout(timer);
  }

  #of(stream: Stream): Connection {
    const id = stream.metadata.get(connectionHeader)[0]?.toString();
    const known = id === undefined ? undefined : this.#byId.get(id);
    if (known !== undefined) return known;
    const connection = new Connection({
      ...this.#options,
      closed: () => {
        this.#open.delete(connection);
        if (id !== undefined) this.#byId.delete(id);
        if (this.#open.size === 0) this.#drained?.();
      },
    });
    this.#open.add(connection);
    if (id !== undefined) this.#byId.set(id, connection);
    return connection;
  }
}
