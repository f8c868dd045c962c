import type { EntraWorkloadIdentity, Provider } from '@tollgate/config';
import type { Logger } from '@tollgate/telemetry';
import type { Dispatcher } from 'undici';
import { EntraToken, nameOfIdentity } from './entra-token.ts';
import type { Key, KeySource, Standing } from './key-source.ts';
import { nameOf, StoredSecret } from './stored-secret.ts';

/** How late a newer value may be noticed; Kubernetes needs up to a minute to bring one into a mounted secret. */
const checkEveryMs = 1000;
/** A start that waits longer for its credentials goes on without them. */
const settleMsMax = 5000;

export interface CredentialsOptions {
  logger: Pick<Logger, 'warn' | 'info'>;
  /** Connections to a token endpoint. */
  pool(origin: string): Dispatcher;
  onTokenAsked(outcome: 'issued' | 'failed'): void;
}

const noneNeeded: Key = { key: undefined, version: 0 };

/**
 * Keys of the providers, and tokens in place of keys. They live here and in the headers of calls only. One timer looks after all of
 * them, so that no request reads a file or asks for a token.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  /** Those of the newest configuration, and what runs on an older one still needs. */
  #sources = new Map<string, KeySource>();
  /** Found once for each provider of each revision; null: its endpoint needs none. */
  readonly #sourceOf = new WeakMap<Provider, KeySource | null>();
  /** What was logged of each last. */
  readonly #told = new WeakMap<KeySource, string>();
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), checkEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** At once, but while the first value is on its way. `missing` says what is not there, never a value. */
  find(provider: Provider): Key | Promise<Key> {
    return this.#source(provider)?.find() ?? noneNeeded;
  }

  /**
   * After a provider refused the value of this version: whether there is a newer one. Each refused value is looked at once more only,
   * so that a wrong one costs no reading for each request.
   */
  async renew(provider: Provider, version: number): Promise<boolean> {
    return (await this.#source(provider)?.renew(version)) ?? false;
  }

  /** Those of a new configuration are fetched and looked after from now on, those of an older one not any more. */
  configured(providers: readonly Provider[]): void {
    const sources = providers.flatMap((provider) => this.#source(provider) ?? []);
    this.#sources = new Map(sources.map((source) => [source.name, source]));
    for (const source of this.#sources.values()) void source.find();
  }

  /** Where tokens are asked for. */
  get origins(): string[] {
    return this.#tokens.flatMap(({ origin }) => origin ?? []);
  }

  /** Resolves when it is known of each whether it is there, or when that takes too long. */
  async settled(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, settleMsMax);
    await Promise.race([Promise.all([...this.#sources.values()].map((source) => source.find())), late.promise]);
    clearTimeout(timer);
    this.#tellAll();
  }

  /** Looks at each once; what is under way still is not begun again. */
  async check(): Promise<void> {
    for (const token of this.#tokens) void token.check();
    if (this.#checking) return;
    this.#checking = true;
    // One after another: a file system that hangs takes one thread, and the others stay for names to be looked up.
    for (const source of this.#sources.values()) if (source instanceof StoredSecret) await source.check();
    this.#checking = false;
    this.#tellAll();
  }

  count(standing: Standing): number {
    return [...this.#sources.values()].filter((source) => source.standing === standing).length;
  }

  /** For readiness: true, or what is missing or could not be renewed. */
  get health(): true | { degraded: string } {
    const bad = [...this.#sources.values()].filter(({ standing }) => standing !== 'good');
    return bad.length === 0 || { degraded: bad.map(({ standing, why }) => `${standing}: ${why}`).join('; ') };
  }

  get #tokens(): EntraToken[] {
    return [...this.#sources.values()].filter((source) => source instanceof EntraToken);
  }

  #source(provider: Provider): KeySource | null {
    let source = this.#sourceOf.get(provider);
    if (source === undefined) {
      source = this.#open(provider);
      this.#sourceOf.set(provider, source);
    }
    return source;
  }

  #open({ apiKey, credential }: Provider): KeySource | null {
    let source: KeySource | undefined;
    if (apiKey) source = this.#sources.get(nameOf(apiKey)) ?? new StoredSecret(apiKey);
    else if (credential) source = this.#token(credential.entraWorkloadIdentity);
    if (source) this.#sources.set(source.name, source);
    return source ?? null;
  }

  #token(settings: EntraWorkloadIdentity): KeySource {
    const { pool, onTokenAsked } = this.#options;
    return (
      this.#sources.get(nameOfIdentity(settings)) ??
      new EntraToken({ settings, pool, now: Date.now, onAsked: onTokenAsked })
    );
  }

  #tellAll(): void {
    for (const source of this.#sources.values()) {
      const { name, standing, why } = source;
      const now = `${standing} ${why}`;
      const before = this.#told.get(source);
      if (before === now) continue;
      this.#told.set(source, now);
      if (standing === 'kept')
        this.#options.logger.warn(
          { credential: name, why },
          'a credential could not be renewed: the last good value is used',
        );
      else if (standing === 'missing')
        this.#options.logger.warn({ credential: name, why }, 'a credential is not there');
      else if (before !== undefined) this.#options.logger.info({ credential: name }, 'a credential is there again');
    }
  }
}
