import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { type ConfigSnapshot, type KeyRecord, parseKeyRecord, parseSnapshot } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import { configBucket } from '../subjects.ts';
import { NegativeCache } from './negative-cache.ts';

export const keys = {
  current: 'current',
  revision: (revision: number) => `revision.${revision}`,
  revisions: 'revision.*',
  apiKey: (hash: string) => `key.${hash}`,
};

/** Requests finish on the revision that admitted them; older ones than this many are gone, here and in the bucket. */
export const revisionsKept = 16;
/** contracts.md: a replica that lacks an entry's revision waits this long for KV, then says so. */
const revisionWaitMs = 1000;
/** Behind the bucket for longer than this: take nothing new. */
const staleAfterMs = 1000;
const checkEveryMs = 1000;

interface KnownKey {
  record: KeyRecord;
  /** The bucket's sequence number of this version. */
  seq: number;
}

/**
 * Watches the CONFIG bucket: revisions and key records are in memory, changes reach the handlers as they are written.
 * Compares what it has seen with the bucket every second, because a watch can stall silently.
 */
export class ConfigWatch {
  readonly #nc: NatsConnection;
  readonly #logger: Logger;
  readonly #snapshots = new Map<number, ConfigSnapshot>();
  readonly #keys = new Map<string, KnownKey>();
  readonly #unknown = new NegativeCache();
  readonly #onChange: ((snapshot: ConfigSnapshot) => void)[] = [];
  /** Of each revision that is not here yet: how to wake those who need it. */
  readonly #waiting = new Map<number, Set<() => void>>();
  #kv: KV | undefined;
  #watch: Awaited<ReturnType<KV['watch']>> | undefined;
  #current = 0;
  #seenSeq = 0;
  /** What the bucket had at a comparison and this replica had not; undefined as soon as it has. */
  #missing: { seq: number; sinceMs: number } | undefined;
  #comparing = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(nc: NatsConnection, logger: Logger) {
    this.#nc = nc;
    this.#logger = logger;
  }

  /** Resolves when everything that the bucket holds at this moment is in memory. Waits for the bucket to be made. */
  async start(): Promise<void> {
    const lastSeq = await this.#waitForBucket();
    await this.#open();
    while (this.#seenSeq < lastSeq && !this.#closed) await delay(5);
    this.#timer = setInterval(() => void this.#compare(), checkEveryMs).unref();
  }

  /** The revision that new requests are admitted under; undefined before the first apply. */
  current(): ConfigSnapshot | undefined {
    return this.#snapshots.get(this.#current);
  }

  /** @throws TollgateError `overloaded` when this replica does not learn of the revision within a second. */
  at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot> {
    return this.#snapshots.get(revision) ?? this.#waitFor(revision);
  }

  key(hash: string): KeyRecord | undefined {
    return this.#keys.get(hash)?.record;
  }

  /** Memory, then one read of the bucket, then a short memory of its absence. @throws TollgateError `bus_unavailable` */
  async lookupKey(hash: string): Promise<KeyRecord | undefined> {
    const known = this.#keys.get(hash);
    if (known || this.#unknown.has(hash)) return known?.record;
    const entry = await this.#read(keys.apiKey(hash));
    if (!entry) {
      this.#unknown.add(hash);
      return undefined;
    }
    return this.#keepKey(parseKeyRecord(entry.string()), entry.revision);
  }

  apiKeys(): KeyRecord[] {
    return Array.from(this.#keys.values(), ({ record }) => record);
  }

  onChange(handler: (snapshot: ConfigSnapshot) => void): void {
    this.#onChange.push(handler);
  }

  /** True: the bucket has had something for a second that this replica has not seen. */
  stale(): boolean {
    return this.#missing !== undefined && Date.now() - this.#missing.sinceMs >= staleAfterMs;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#watch?.stop();
    for (const revision of this.#waiting.keys()) this.#wake(revision);
  }

  async #waitForBucket(): Promise<number> {
    for (let waited = 0; ; waited++) {
      try {
        const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
        return (await jsm.streams.info(`KV_${configBucket}`)).state.last_seq;
      } catch (error) {
        if (this.#closed) return 0;
        if (waited === 50)
          this.#logger.info({ err: error }, 'waiting for the configuration bucket, which the console makes');
        await delay(Math.min(1000, 20 * 2 ** Math.min(waited, 6)));
      }
    }
  }

  async #open(): Promise<void> {
    this.#kv ??= await new Kvm(this.#nc).open(configBucket);
    const watch = await this.#kv.watch(this.#seenSeq > 0 ? { resumeFromRevision: this.#seenSeq + 1 } : {});
    this.#watch = watch;
    if (this.#closed) watch.stop();
    void this.#follow(watch);
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    try {
      for await (const entry of watch) this.#take(entry);
    } catch (error) {
      if (!this.#closed) this.#logger.warn({ err: error }, 'configuration watch broke; it is opened again when behind');
    }
  }

  #take(entry: KvWatchEntry): void {
    this.#seenSeq = Math.max(this.#seenSeq, entry.revision);
    if (this.#missing && this.#missing.seq <= this.#seenSeq) this.#missing = undefined;
    try {
      if (entry.operation !== 'PUT') {
        if (entry.key.startsWith('key.')) this.#keys.delete(entry.key.slice(4));
      } else if (entry.key === keys.current) {
        this.#switchTo(Number(entry.string()));
      } else if (entry.key.startsWith('revision.')) {
        this.#addSnapshot(parseSnapshot(entry.string()));
      } else if (entry.key.startsWith('key.')) {
        this.#keepKey(parseKeyRecord(entry.string()), entry.revision);
      }
    } catch (error) {
      this.#logger.error({ err: error, key: entry.key }, 'unreadable configuration entry ignored');
    }
  }

  #addSnapshot(snapshot: ConfigSnapshot): void {
    this.#snapshots.set(snapshot.revision, snapshot);
    for (const revision of this.#snapshots.keys()) {
      if (this.#snapshots.size <= revisionsKept) break;
      if (revision !== this.#current) this.#snapshots.delete(revision);
    }
    this.#wake(snapshot.revision);
    // A bucket's last values may come in any order: `current` first, its revision after it.
    if (snapshot.revision === this.#current) this.#announce(snapshot);
  }

  #switchTo(revision: number): void {
    this.#current = revision;
    const snapshot = this.#snapshots.get(revision);
    if (snapshot) this.#announce(snapshot);
  }

  #announce(snapshot: ConfigSnapshot): void {
    for (const handler of this.#onChange) handler(snapshot);
  }

  /** The later of two versions stays, whichever came first: a read that was slow must not undo a revocation. */
  #keepKey(record: KeyRecord, seq: number): KeyRecord {
    const known = this.#keys.get(record.hash);
    if (known && known.seq > seq) return known.record;
    this.#keys.set(record.hash, { record, seq });
    this.#unknown.delete(record.hash);
    return record;
  }

  #wake(revision: number): void {
    for (const resolve of this.#waiting.get(revision) ?? []) resolve();
  }

  async #waitFor(revision: number): Promise<ConfigSnapshot> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(revision) ?? new Set();
    this.#waiting.set(revision, waiting.add(resolve));
    const timer = setTimeout(resolve, revisionWaitMs);
    await promise;
    clearTimeout(timer);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(revision);
    const snapshot = this.#snapshots.get(revision);
    if (snapshot) return snapshot;
    throw new TollgateError('overloaded', { internal: `revision ${revision} has not reached this replica` });
  }

  async #read(key: string) {
    try {
      this.#kv ??= await new Kvm(this.#nc).open(configBucket);
      return await this.#kv.get(key);
    } catch (error) {
      throw new TollgateError('bus_unavailable', {
        internal: `reading ${key.split('.')[0]} from the bucket: ${error}`,
      });
    }
  }

  /** The timer's step, one at a time. */
  async #compare(): Promise<void> {
    if (this.#comparing) return;
    this.#comparing = true;
    try {
      await this.#catchUp();
    } catch {
      // No answer is no proof of being behind; the bus's own readiness says that NATS is away.
    } finally {
      this.#comparing = false;
    }
  }

  /** Are we where the bucket was at the last comparison? A watch that is not is opened anew. */
  async #catchUp(): Promise<void> {
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
    const { last_seq: seq } = (await jsm.streams.info(`KV_${configBucket}`)).state;
    if (seq <= this.#seenSeq) return;
    if (!this.#missing) {
      this.#missing = { seq, sinceMs: Date.now() };
      return;
    }
    this.#logger.warn({ seenSeq: this.#seenSeq }, 'configuration watch is behind the bucket, opening it again');
    this.#watch?.stop();
    await this.#open();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
