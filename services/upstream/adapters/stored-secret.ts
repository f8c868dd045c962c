import { type Credential, readCredential } from '@tollgate/config';
import { toErrorDetail } from '@tollgate/errors';
import type { Key, KeySource, KnownKey, Standing } from './key-source.ts';

/** A file system that does not answer must not hold a request. */
const renewMsMax = 1000;

/**
 * A credential in a file or a variable. A file is read as a whole each time, so every way to change it is seen: a symbolic link that
 * leads elsewhere, as Kubernetes swaps the directory of a mounted secret, another file of its name, or other text in it. What cannot
 * be read, or is empty for a moment, leaves the last good value.
 */
export class StoredSecret implements KeySource {
  readonly name: string;
  readonly #reference: Credential;
  #known: KnownKey | undefined;
  #versions = 0;
  /** Why the last reading failed; undefined before the first, empty when it did not. */
  #problem: string | undefined;
  #reading: Promise<Key> | undefined;
  /** The version for which it was read once more, as a provider had refused it. */
  #refused = 0;

  constructor(reference: Credential) {
    this.#reference = reference;
    this.name = nameOf(reference);
  }

  get standing(): Standing {
    if (!this.#known) return 'missing';
    return this.#problem ? 'kept' : 'good';
  }

  get why(): string {
    return this.#problem ?? 'it is being read';
  }

  find(): Key | Promise<Key> {
    if (this.#known) return this.#known;
    return this.#problem === undefined ? this.#read() : { missing: this.#problem };
  }

  async check(): Promise<void> {
    // The variables of a process stay as they were.
    if ('file' in this.#reference || this.#problem === undefined) await this.#read();
  }

  async renew(version: number): Promise<boolean> {
    const isNewer = () => this.#known !== undefined && this.#known.version !== version;
    if (isNewer() || 'env' in this.#reference || this.#refused === version) return isNewer();
    this.#refused = version;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, renewMsMax);
    await Promise.race([this.#read(), late.promise]);
    clearTimeout(timer);
    return isNewer();
  }

  #read(): Promise<Key> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<Key> {
    try {
      const key = await readCredential(this.#reference);
      this.#problem = '';
      if (this.#known?.key !== key) this.#known = { key, version: ++this.#versions };
      return this.#known;
    } catch (error) {
      this.#problem = toErrorDetail(error).internal;
      return this.#known ?? { missing: this.#problem };
    }
  }
}

/** The same for references to the same place. */
export function nameOf(reference: Credential): string {
  return 'env' in reference ? `env ${reference.env}` : `file ${reference.file}`;
}
