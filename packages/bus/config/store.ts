import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { ConfigSnapshot, KeyRecord } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import { configBucket } from '../subjects.ts';
import { keys } from './watch.ts';

/** JetStream API: "wrong last sequence", the answer to a compare-and-set that lost. */
const wrongLastSequence = 10071;

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
   * @throws TollgateError `conflict` when `expectedRevision` is not current any more.
   */
  async apply(snapshot: ConfigSnapshot, expectedRevision: number): Promise<void> {
    const kv = await this.#open();
    const current = await kv.get(keys.current);
    if ((current ? Number(current.string()) : 0) !== expectedRevision) throw conflict(expectedRevision);
    await kv.put(keys.revision(snapshot.revision), JSON.stringify(snapshot));
    try {
      const value = String(snapshot.revision);
      if (current) await kv.update(keys.current, value, current.revision);
      else await kv.create(keys.current, value);
    } catch (error) {
      if ((error as { code?: number }).code === wrongLastSequence) throw conflict(expectedRevision);
      throw error;
    }
  }

  async putKey(record: KeyRecord): Promise<void> {
    await (await this.#open()).put(keys.apiKey(record.hash), JSON.stringify(record));
  }

  async #open(): Promise<KV> {
    this.#kv ??= await new Kvm(this.#nc).open(configBucket);
    return this.#kv;
  }
}

function conflict(expected: number): TollgateError {
  return new TollgateError('conflict', {
    message: `The configuration was changed since revision ${expected}. Read it again, then apply.`,
  });
}
