import { createConnection } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { Nodes } from './nodes.ts';

/** For ioredis: each connection goes where `nodes` says at that moment. */
export function connectorTo(nodes: Nodes) {
  return class extends AbstractConnector {
    readonly #tls: ConnectionOptions | undefined;

    constructor(options: unknown) {
      const { disconnectTimeout = 2000, tls } = options as { disconnectTimeout?: number; tls?: ConnectionOptions };
      super(disconnectTimeout);
      this.#tls = tls;
    }

    override async connect() {
      const address = nodes.next();
      this.connecting = true;
      this.stream = this.#tls ? connect({ ...this.#tls, ...address }) : createConnection(address);
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
}
