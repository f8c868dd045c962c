import { type BackgroundStore, payloadBytesMax } from '@tollgate/bus';
import { BackgroundChunk, BackgroundState, Dispatch, encode } from '@tollgate/contracts';

export interface StateRecord {
  state: BackgroundState;
  /** Of the stream: who replaces the state says what it has seen. */
  seq: number;
}

/** What is read and written of requests in the background, as messages. */
export class Records {
  readonly #store: Pick<BackgroundStore, 'get' | 'put' | 'replace'>;

  constructor(store: Pick<BackgroundStore, 'get' | 'put' | 'replace'>) {
    this.#store = store;
  }

  /** Undefined: there is none, or none any more. @throws Error when JetStream is away */
  async state(requestId: string): Promise<StateRecord | undefined> {
    const kept = await this.#store.get(requestId, 'state');
    return kept && { state: BackgroundState.decode(kept.bytes), seq: kept.seq };
  }

  /** Undefined: somebody else has written meanwhile. @throws Error when JetStream is away or full */
  async replaceState(requestId: string, state: BackgroundState, seq: number): Promise<StateRecord | undefined> {
    const written = await this.#store.replace(requestId, 'state', encode(BackgroundState, state), seq);
    return written === undefined ? undefined : { state, seq: written };
  }

  /** The dispatch as pipeline made it, its body in parts of a message's size. */
  async putJob(requestId: string, dispatch: Dispatch, body: Buffer): Promise<void> {
    for (let at = 0, part = 0; at < body.length; at += payloadBytesMax, part++) {
      await this.#store.put(requestId, `body.${part}`, body.subarray(at, at + payloadBytesMax));
    }
    const job = { ...dispatch, bodyBytes: body.length, body: new Uint8Array(0) };
    await this.#store.put(requestId, 'job', encode(Dispatch, job));
  }

  async job(requestId: string): Promise<{ dispatch: Dispatch; body: Buffer } | undefined> {
    const kept = await this.#store.get(requestId, 'job');
    if (!kept) return undefined;
    const dispatch = Dispatch.decode(kept.bytes);
    const body = await this.#parts(requestId, 'body', Math.ceil(dispatch.bodyBytes / payloadBytesMax));
    return body && { dispatch, body };
  }

  async putChunk(requestId: string, chunk: BackgroundChunk): Promise<void> {
    await this.#store.put(requestId, `e.${chunk.number}`, encode(BackgroundChunk, chunk));
  }

  /** The piece that was written last; undefined before there is one. */
  async lastChunk(requestId: string): Promise<BackgroundChunk | undefined> {
    const kept = await this.#store.get(requestId, 'e.*');
    return kept && BackgroundChunk.decode(kept.bytes);
  }

  /** A whole answer beside its state. Returns the number of its parts. */
  async putResponse(requestId: string, response: Buffer): Promise<number> {
    let part = 0;
    for (let at = 0; at < response.length; at += payloadBytesMax, part++) {
      await this.#store.put(requestId, `answer.${part}`, response.subarray(at, at + payloadBytesMax));
    }
    return part;
  }

  /** What is known of a response, as JSON; undefined when it is kept no more. */
  async response(requestId: string, { response, responseParts }: BackgroundState): Promise<Buffer | undefined> {
    if (responseParts === 0) return Buffer.from(response);
    return this.#parts(requestId, 'answer', responseParts);
  }

  async #parts(requestId: string, name: string, count: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let part = 0; part < count; part++) {
      const kept = await this.#store.get(requestId, `${name}.${part}`);
      if (!kept) return undefined;
      parts.push(kept.bytes);
    }
    return Buffer.concat(parts);
  }
}
