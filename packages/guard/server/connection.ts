import type { ServerDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { encode, GuardBatch, GuardReply } from '@tollgate/contracts';
import { errorResult, faultName, guardUnavailable } from '../faults.ts';
import { BatchWriter, drainingBatch } from '../wire/batch-writer.ts';
import { batchBytesTarget, entryBytesMax } from '../wire/bounds.ts';
import { PartAssembler } from '../wire/part-assembler.ts';
import { PartSender } from '../wire/part-sender.ts';
import { replyBytesBound } from '../wire/size.ts';
import type { BulkRunner, BulkSink } from './bulk.ts';
import type { ServerCounters } from './counters.ts';
import type { GuardResult, Runner } from './runner.ts';

type Stream = ServerDuplexStream<Buffer, Buffer>;
type Logger = { warn(fields: object, text: string): void };

export type ConnectionOptions = {
  kind: string;
  runner: Runner;
  bulk: BulkRunner;
  counters: ServerCounters;
  logger: Logger;
  closed: (connection: Connection) => void;
};

/**
 * The two streams of one pipeline connection. A reply goes into the next batch, or in parts over the bulk stream when it
 * is large, whichever stream its request came by. Reading pauses while the peer does not take what is written, so unsent
 * replies are bounded by the requests that run.
 */
export class Connection implements BulkSink {
  readonly #options: ConnectionOptions;
  readonly #writer = new BatchWriter();
  readonly #assembler = new PartAssembler();
  readonly #sender = new PartSender((part, written) => {
    this.#bulk?.write(part, () => {
      written();
      this.#endIfDone();
    });
  });
  #exchange: Stream | undefined;
  #bulk: Stream | undefined;
  #batchBytes = 0;
  #scheduled = false;
  #unanswered = 0;
  #halfClosed = 0;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  attachExchange(stream: Stream): void {
    this.#exchange = stream;
    this.#attach(stream, this.#onBatch);
    stream.on('drain', () => {
      stream.resume();
    });
  }

  attachBulk(stream: Stream): void {
    this.#bulk = stream;
    this.#attach(stream, this.#onPart);
  }

  /** Tells the caller to move on; what it has sent is answered, and it closes its side when it has all answers. */
  drain(): void {
    if (!this.#closed) this.#exchange?.write(drainingBatch());
  }

  reply(id: number, result: GuardResult): void {
    this.#unanswered--;
    if (this.#closed) return;
    const reply: GuardReply = { id, result };
    const bound = replyBytesBound(reply);
    if (bound <= entryBytesMax && this.#exchange !== undefined) {
      this.#writer.reply(reply);
      this.#wrote(bound);
    } else {
      this.#replyEncoded(id, encode(GuardReply, reply));
    }
  }

  replyEncoded(id: number, bytes: Uint8Array): void {
    this.#unanswered--;
    if (!this.#closed) this.#replyEncoded(id, bytes);
  }

  dropped(): void {
    this.#unanswered--;
    this.#endIfDone();
  }

  #replyEncoded(id: number, bytes: Uint8Array): void {
    if (bytes.length <= entryBytesMax && this.#exchange !== undefined) {
      this.#writer.encodedReply(bytes);
      this.#wrote(bytes.length);
    } else if (this.#bulk !== undefined) {
      this.#sender.send(id, bytes);
    } else {
      const { kind } = this.#options;
      const fault = guardUnavailable(kind, 'the answer is too large for a connection without a bulk stream');
      this.#writer.reply({ id, result: errorResult(kind, fault) });
      this.#wrote(0);
    }
  }

  #wrote(bytes: number): void {
    this.#batchBytes += bytes;
    if (this.#batchBytes >= batchBytesTarget) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flushTurn);
    }
  }

  readonly #flushTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
    this.#endIfDone();
  };

  #flush(): void {
    if (this.#closed || this.#writer.entries === 0) return;
    this.#batchBytes = 0;
    this.#options.counters.batchesSent++;
    if (this.#exchange?.write(this.#writer.take()) === false) this.#exchange.pause();
  }

  readonly #onBatch = (message: Buffer): void => {
    const receivedAtMs = performance.now();
    this.#options.counters.batchesReceived++;
    for (const request of GuardBatch.decode(message).requests) {
      this.#unanswered++;
      this.#options.runner.run(request, receivedAtMs, this);
    }
  };

  readonly #onPart = (message: Buffer): void => {
    const entry = this.#assembler.add(message);
    if (entry === undefined) return;
    this.#options.counters.bulkRequests++;
    this.#unanswered++;
    this.#options.bulk.run(entry.id, entry.bytes, this);
  };

  #attach(stream: Stream, receive: (message: Buffer) => void): void {
    stream.on('data', (message: Buffer) => {
      try {
        receive(message);
      } catch (fault) {
        this.#break(fault);
      }
    });
    stream.on('end', () => {
      this.#halfClosed++;
      this.#endIfDone();
    });
    stream.on('cancelled', () => this.#close());
    stream.on('error', () => this.#close());
  }

  /** Both halves closed by the caller and every answer sent: our side closes too. */
  #endIfDone(): void {
    const streams = (this.#exchange === undefined ? 0 : 1) + (this.#bulk === undefined ? 0 : 1);
    if (this.#closed || this.#halfClosed < streams || this.#unanswered > 0) return;
    if (this.#writer.entries > 0 || !this.#sender.idle) return;
    this.#close();
  }

  #break(fault: unknown): void {
    if (this.#closed) return;
    this.#options.counters.broken++;
    this.#options.logger.warn({ fault: faultName(fault) }, 'guard connection ended: the peer broke the protocol');
    const error = { code: status.INVALID_ARGUMENT, details: 'not as tollgate.v1.Guard has it' };
    this.#exchange?.emit('error', error);
    this.#bulk?.emit('error', error);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#exchange?.end();
    this.#bulk?.end();
    this.#sender.clear();
    this.#assembler.clear();
    this.#options.closed(this);
  }
}
