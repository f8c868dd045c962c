import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ConfigSnapshot, KeyRecord } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import { configBucket } from '../subjects.ts';
import { keys, revisionsKept } from './watch.ts';

/** JetStream API: "wrong last sequence", the answer to a compare-and-set that lost. */
const wrongLastSequence = 10071;
/** A revision that was written and not made current in so long was left by a console that was killed in between. */
const leftAfterMs = 10_000;

/** The writing side of the configuration; the console's alone. */
export class ConfigStore {
  readonly #nc: NatsConnection;
  #kv: KV | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /** The revision that is current now, 0 before the first apply. */
  async currentRevision(): Promise<number> {
    const entry = await (await this.#open()).get(keys.current);
    return entry ? Number(entry.string()) : 0;
  }

  /**
   * Writes the snapshot, then makes it current by compare-and-set.
   *
   * @throws TollgateError `conflict` when `expectedRevision` is not current any more, or another one is being applied onto it.
   */
  async apply(snapshot: ConfigSnapshot, expectedRevision: number): Promise<void> {
    const kv = await this.#open();
    const current = await kv.get(keys.current);
    if ((current ? Number(current.string()) : 0) !== expectedRevision) throw conflict(expectedRevision);
    try {
      await write(kv, snapshot);
      await this.#dropBefore(snapshot.revision - revisionsKept + 1);
      const value = String(snapshot.revision);
      if (current) await kv.update(keys.current, value, current.revision);
      else await kv.create(keys.current, value);
    } catch (error) {
      if (isConflict(error)) throw conflict(expectedRevision);
      throw error;
    }
  }

  async putKey(record: KeyRecord): Promise<void> {
    await (await this.#open()).put(keys.apiKey(record.hash), JSON.stringify(record));
  }

  /**
   * Revisions that no replica keeps are not kept in the bucket either: each new replica reads all of it. Called between
   * writing a revision and making it current, so that the bucket's last message is never one that is dropped: a watch
   * that starts waits for that one.
   */
  async #dropBefore(oldest: number): Promise<void> {
    if (oldest <= 1) return;
    const kv = await this.#open();
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
    for await (const key of await kv.keys(keys.revisions)) {
      if (Number(key.slice(key.indexOf('.') + 1)) < oldest)
        await jsm.streams.purge(`KV_${configBucket}`, { filter: `$KV.${configBucket}.${key}` });
    }
  }

  async #open(): Promise<KV> {
    this.#kv ??= await new Kvm(this.#nc).open(configBucket);
    return this.#kv;
  }
}

/** Once: of two that write the same revision, the later one must not become what the first one makes current. */
async function write(kv: KV, snapshot: ConfigSnapshot): Promise<void> {
  const key = keys.revision(snapshot.revision);
  const value = JSON.stringify(snapshot);
  try {
    await kv.create(key, value);
  } catch (error) {
    const left = isConflict(error) ? await kv.get(key) : null;
    if (!left || Date.now() - left.created.getTime() < leftAfterMs) throw error;
    await kv.update(key, value, left.revision);
  }
}

const isConflict = (error: unknown) => (error as { code?: number }).code === wrongLastSequence;

function conflict(expected: number): TollgateError {
  return new TollgateError('conflict', {
    message: `The configuration was changed since revision ${expected}. Read it again, then apply.`,
  });
}
