import { type Credential, type Provider, readCredential } from '@tollgate/config';
import { toErrorDetail } from '@tollgate/errors';

/** A reference is resolved again after this long: a rotated file is used soon, without a read for each call. */
const keptMs = 10_000;

/** What stands in for a credential: the key (undefined: the endpoint needs none), or why there is none. */
export type Key = { key: string | undefined } | { missing: string };

const noneNeeded: Key = { key: undefined };

/** Resolves references to provider keys. The keys live here and in the headers of calls only. */
export class Credentials {
  readonly #kept = new Map<string, { key: Key; untilMs: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** At once where it is in memory. `missing` names the variable or file, never a value. */
  find({ apiKey }: Pick<Provider, 'apiKey'>): Key | Promise<Key> {
    if (apiKey === undefined) return noneNeeded;
    const name = 'env' in apiKey ? `env ${apiKey.env}` : `file ${apiKey.file}`;
    const kept = this.#kept.get(name);
    return kept && kept.untilMs > this.#now() ? kept.key : this.#read(name, apiKey);
  }

  async #read(name: string, reference: Credential): Promise<Key> {
    try {
      const key = { key: await readCredential(reference) };
      this.#kept.set(name, { key, untilMs: this.#now() + keptMs });
      return key;
    } catch (error) {
      // Not kept: what is mended works with the next call.
      return { missing: toErrorDetail(error).internal };
    }
  }
}
