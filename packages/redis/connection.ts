import type { Logger, Metrics } from '@tollgate/telemetry';
import { Redis, type RedisOptions } from 'ioredis';
import { Breaker } from './breaker.ts';
import { connectorTo } from './connector.ts';
import { Deadlines } from './deadlines.ts';
import { StoreFault, type StoreFaultReason } from './fault.ts';
import { type Address, addressesOf, Nodes } from './nodes.ts';
import type { Script } from './script.ts';

export interface RedisConnectionOptions {
  /**
   * redis://[user:password@]host:port[/db], rediss:// for TLS. Of a cluster some of its nodes, with commas between them;
   * what the first says of user, password and TLS holds for all.
   */
  url: string;
  /**
   * What the keys of this connection have in braces. In a Redis Cluster it goes to the node that has the slot of it, and
   * follows when that is another one. Undefined: not known yet.
   */
  hashTag?: () => string | undefined;
  /** Seen in CLIENT LIST. */
  name: string;
  /** A call that takes longer fails. Default 250. */
  deadlineMs?: number;
  logger: Logger;
  metrics: Metrics;
}

export type Argument = string | number | Uint8Array;

const deadlineMsDefault = 250;
const monitorEveryMs = 1000;
const reconnectMsMax = 1000;
/** With commands waiting and nothing heard for this long the connection is dead; what waits is given up. */
const silenceMsMax = 2000;

/**
 * One connection to Redis that never queues for a server that is away: a call fails at once while there is no server,
 * after its deadline when the server is slow, and at once again after several such calls, until the server answers the
 * monitor. Commands of one turn of the event loop leave in one write.
 *
 * In a Redis Cluster it is a connection to one node: all keys of an organization are in one slot, and what a script may
 * rely on (`runId`) is that node's. A call that another node should have got fails, with nothing done; by then the
 * connection is on its way there. Such a call is not sent again: its arguments were made for the server that it left.
 */
export class RedisConnection {
  readonly #redis: Redis;
  readonly #nodes: Nodes;
  readonly #options: RedisConnectionOptions;
  readonly #deadlineMs: number;
  readonly #deadlines: Deadlines;
  readonly #breaker = new Breaker();
  readonly #onServer: ((runId: string) => void)[] = [];
  readonly #faults: { inc(labels: { reason: StoreFaultReason }): void };
  readonly #monitor: NodeJS.Timeout;
  #runId = '';
  #asking = false;
  /** On the way to another node: this one's connection is not closed yet. */
  #leaving = false;
  #corked = false;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? deadlineMsDefault;
    this.#deadlines = new Deadlines(this.#deadlineMs);
    this.#faults = options.metrics.counter('tollgate_redis_faults_total', 'Calls to Redis that failed', ['reason']);
    const [first = ''] = options.url.split(',');
    this.#nodes = new Nodes(addressesOf(options.url));
    this.#redis = new Redis(first, { ...redisOptions(options.name), Connector: connectorTo(this.#nodes) });
    this.#redis.on('error', (error: Error) => options.logger.debug({ err: error }, 'Redis connection error'));
    this.#redis.on('ready', () => void this.#askServer());
    this.#redis.on('close', () => {
      if (this.#runId !== '') options.logger.warn('Redis went away; reconnecting');
      this.#runId = '';
      this.#leaving = false;
    });
    this.#monitor = setInterval(() => void this.#askServer(), monitorEveryMs).unref();
  }

  /** True: a call made now is sent. */
  ready(): boolean {
    return this.#runId !== '' && !this.#breaker.open;
  }

  /** The server's run_id, another one after each restart or failover; '' while there is no server. */
  get runId(): string {
    return this.#runId;
  }

  /** Called with the run_id whenever a server is met: the first, the same again, or another one. */
  onServer(handler: (runId: string) => void): void {
    this.#onServer.push(handler);
  }

  /** Runs a script; strings in its answer arrive as strings. @throws StoreFault */
  run(script: Script, keys: string[], args: Argument[]): Promise<unknown> {
    return this.#call(() => {
      const values = [...keys, ...args.map(toArgument)];
      return orEval(this.#redis.evalsha(script.sha, keys.length, ...values), () =>
        this.#redis.eval(script.lua, keys.length, ...values),
      );
    });
  }

  /** As run(), but strings in the answer arrive as Buffers. @throws StoreFault */
  runBinary(script: Script, keys: string[], args: Argument[]): Promise<unknown> {
    return this.#call(() => {
      const values = [...keys, ...args.map(toArgument)];
      return orEval(this.#redis.callBuffer('EVALSHA', script.sha, keys.length, ...values), () =>
        this.#redis.callBuffer('EVAL', script.lua, keys.length, ...values),
      );
    });
  }

  /** One plain command. @throws StoreFault */
  command(name: string, ...args: Argument[]): Promise<unknown> {
    return this.#call(() => this.#redis.call(name, ...args.map(toArgument)));
  }

  /** One plain command whose strings arrive as Buffers. @throws StoreFault */
  commandBinary(name: string, ...args: Argument[]): Promise<unknown> {
    return this.#call(() => this.#redis.callBuffer(name, ...args.map(toArgument)));
  }

  close(): void {
    clearInterval(this.#monitor);
    this.#redis.disconnect();
  }

  #call(send: () => Promise<unknown>): Promise<unknown> {
    if (this.#runId === '') return Promise.reject(this.#fault('away', 'no connection to Redis'));
    if (this.#breaker.open) return Promise.reject(this.#fault('breaker', 'Redis does not answer in time'));
    this.#corkTurn();
    return this.#within(send());
  }

  #within(command: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const watched = this.#deadlines.add(() => {
        this.#breaker.failed();
        reject(this.#fault('deadline', `Redis did not answer within ${this.#deadlineMs} ms`));
      });
      command.then(
        (reply) => {
          this.#deadlines.delete(watched);
          this.#breaker.succeeded();
          resolve(reply);
        },
        (error: Error) => {
          this.#deadlines.delete(watched);
          const elsewhere = this.#nodes.movedTo(error.message);
          if (elsewhere) this.#follow(elsewhere);
          const reason = error.name === 'ReplyError' ? 'refused' : 'lost';
          reject(this.#fault(reason, `Redis: ${error.message}`));
        },
      );
    });
  }

  /** Measured: half of a command's CPU is its write; in bursts one write for all takes a third off the whole. */
  #corkTurn(): void {
    const { stream } = this.#redis;
    if (this.#corked || !stream) return;
    this.#corked = true;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  /** Learns which server this is, and closes the breaker when it answers. */
  async #askServer(): Promise<void> {
    if (this.#asking || this.#leaving || this.#redis.status !== 'ready') return;
    this.#asking = true;
    try {
      const info = String(await this.#within(this.#redis.info('server')));
      const runId = /^run_id:(\w+)/m.exec(info)?.[1];
      if (/^redis_mode:cluster/m.test(info) && !(await this.#isHere(runId !== this.#runId))) return;
      if (runId && runId !== this.#runId && !this.#leaving && this.#redis.status === 'ready') {
        this.#nodes.met();
        this.#runId = runId;
        this.#options.logger.info({ runId }, 'connected to Redis');
        for (const handler of this.#onServer) handler(runId);
      }
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'Redis does not answer');
    } finally {
      this.#asking = false;
    }
  }

  /** Of a node of a cluster: whether it has our slot. If not, the connection goes to the one that has it. */
  async #isHere(isNew: boolean): Promise<boolean> {
    if (isNew) {
      const slots = await this.#within(this.#redis.call('CLUSTER', 'SLOTS'));
      this.#nodes.tell(this.#nodes.inSlots(slots as unknown[][]));
    }
    const tag = this.#options.hashTag?.();
    if (tag === undefined) return true;
    try {
      await this.#within(this.#redis.exists(`{${tag}}`));
      return true;
    } catch (error) {
      if (!this.#leaving) throw error;
      return false;
    }
  }

  #follow(address: Address): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#options.logger.info({ ...address }, 'the slot is on another node of the cluster; going there');
    this.#runId = '';
    this.#nodes.prefer(address);
    this.#redis.disconnect(true);
  }

  #fault(reason: StoreFaultReason, internal: string): StoreFault {
    this.#faults.inc({ reason });
    return new StoreFault(reason, internal);
  }
}

function redisOptions(name: string): RedisOptions {
  return {
    connectionName: name,
    // A call fails instead of waiting in a queue for a server that may come back.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1000,
    socketTimeout: silenceMsMax,
    noDelay: true,
    retryStrategy: (times) => Math.min(reconnectMsMax, 25 * 2 ** Math.min(times, 6)),
    // After a failover the old primary is a replica: connect again, to whoever is primary now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

async function orEval(first: Promise<unknown>, load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await first;
  } catch (error) {
    if ((error as Error).message.startsWith('NOSCRIPT')) return load();
    throw error;
  }
}

function toArgument(value: Argument): string | number | Buffer {
  if (typeof value === 'object' && !Buffer.isBuffer(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  return value;
}
