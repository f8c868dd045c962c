import type { TokenCounts } from '@tollgate/contracts';
import { loadScript, type RedisConnection } from '@tollgate/redis';
import type { Logger } from '@tollgate/telemetry';
import type { Agreement, Signatures } from '../../domain/agree.ts';
import type { JsonRecord } from '../../domain/json.ts';
import type { Question } from '../../domain/question.ts';
import { type Names, namesOf, type Place } from './names.ts';

/** What is known of an answer besides its text. */
interface EntryFacts {
  readonly provider: string;
  readonly model: string;
  readonly baseModel: string;
  readonly tokens: TokenCounts;
  readonly costNanoUsd: number;
  /** When it was kept, milliseconds since the epoch. */
  readonly createdAtMs: number;
}

export interface Entry {
  /** JSON. */
  readonly answer: Uint8Array | string;
  readonly facts: EntryFacts;
}

export interface Found {
  readonly answer: JsonRecord;
  readonly facts: EntryFacts;
  /** Cosine; 1 for the same wording. */
  readonly similarity: number;
  readonly kind: 'exact' | 'semantic';
}

export interface Rules {
  readonly agreement: Agreement;
  /** Least cosine. */
  readonly similarityThreshold: number;
}

export interface Bounds {
  readonly agreement: Agreement;
  readonly ttlSeconds: number;
  /** Entries of the scope; beyond it the one that expires first is evicted (with one time to live: the oldest). */
  readonly entriesMax: number;
}

export interface Swept {
  readonly evicted: number;
  readonly expired: number;
  /** Members of a vector set whose entry the server had evicted. */
  readonly orphans: number;
}

const lookupScript = loadScript(new URL('./lookup.lua', import.meta.url));
const fillScript = loadScript(new URL('./fill.lua', import.meta.url));

/** Of these at most the first that agrees is the hit. */
const candidatesMax = 10;
/** The vector set computes in 32-bit floats. */
const scoreTolerance = 1e-6;
const exactOnly = Buffer.alloc(0);

/** The signature that agreement compares, with its level, as an entry holds it; '' where wording or nothing decides. */
function comparedOf(agreement: Agreement, signatures: Signatures): string {
  return agreement === 'content' || agreement === 'facts' ? `${agreement}:${signatures[agreement]}` : '';
}

/** What the store needs of its connection. */
export type StoreConnection = Pick<RedisConnection, 'run' | 'runBinary' | 'command' | 'onServer' | 'ready'>;

/** The cache's entries in Redis: exact wording, signature and vector set in one round trip. Every method throws StoreFault. */
export class CacheStore {
  readonly #redis: StoreConnection;
  readonly #logger: Pick<Logger, 'warn'>;
  #hasVectors = false;

  constructor(redis: StoreConnection, logger: Pick<Logger, 'warn'>) {
    this.#redis = redis;
    this.#logger = logger;
    redis.onServer(() => void this.#askForVectors());
  }

  /**
   * False: the server has no vector sets (before Redis 8, or Valkey), or has not said yet. Where `facts` or `none` decide,
   * only the same wording hits then.
   */
  get hasVectors(): boolean {
    return this.#hasVectors;
  }

  ready(): boolean {
    return this.#redis.ready();
  }

  async lookup(place: Place, { signatures, vector }: Question, rules: Rules): Promise<Found | undefined> {
    const names = namesOf(place);
    const compared = comparedOf(rules.agreement, signatures);
    const reply = await this.#redis.runBinary(lookupScript, keysOf(names, signatures.exact, compared), [
      rules.agreement,
      compared,
      this.#bytes(vector),
      toScore(rules.similarityThreshold),
      candidatesMax,
      `${names.entries}${names.group}:`,
    ]);
    return read(reply as readonly Buffer[]);
  }

  async fill(place: Place, { signatures, vector }: Question, { answer, facts }: Entry, bounds: Bounds): Promise<Swept> {
    const names = namesOf(place);
    const { exact } = signatures;
    const compared = comparedOf(bounds.agreement, signatures);
    const [entry, set, signature] = keysOf(names, exact, compared);
    const reply = await this.#redis.run(
      fillScript,
      [entry, set, names.expiries, signature],
      [
        names.group,
        exact,
        names.entries,
        names.sets,
        names.signatures,
        bounds.ttlSeconds * 1000,
        bounds.entriesMax,
        this.#bytes(vector),
        answer,
        JSON.stringify(facts),
        compared,
      ],
    );
    const [evicted = 0, expired = 0, orphans = 0] = reply as readonly number[];
    return { evicted, expired, orphans };
  }

  #bytes(vector: Float32Array | undefined): Uint8Array {
    if (vector === undefined || !this.#hasVectors) return exactOnly;
    return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  }

  async #askForVectors(): Promise<void> {
    this.#hasVectors = false;
    try {
      const [command] = (await this.#redis.command('COMMAND', 'INFO', 'VSIM')) as readonly unknown[];
      this.#hasVectors = Array.isArray(command);
      if (!this.#hasVectors)
        this.#logger.warn(
          'the cache Redis has no vector sets (Redis 8): with agreement facts or none only exact repeats will hit',
        );
    } catch (error) {
      this.#logger.warn(
        { err: error },
        'could not ask the cache Redis for vector sets: with agreement facts or none only exact repeats will hit',
      );
    }
  }
}

/** The entry, its group's vector set, and what leads to it by signature: the entry's own key where none is compared. */
function keysOf(
  { entries, sets, signatures, group }: Names,
  exact: string,
  compared: string,
): [string, string, string] {
  const entry = `${entries}${group}:${exact}`;
  return [entry, sets + group, compared === '' ? entry : `${signatures}${group}:${compared}`];
}

// VSIM's score is (1 + cosine) / 2.
const toScore = (cosine: number): number => (1 + cosine) / 2 - scoreTolerance;
const toCosine = (score: number): number => Math.min(1, 2 * score - 1);

function read(reply: readonly Buffer[]): Found | undefined {
  const [answer, facts, score, kind] = reply;
  if (answer === undefined || facts === undefined || score === undefined || kind === undefined) return undefined;
  return {
    answer: JSON.parse(answer.toString()) as JsonRecord,
    facts: JSON.parse(facts.toString()) as EntryFacts,
    similarity: toCosine(Number(score.toString())),
    kind: kind.toString() === 'exact' ? 'exact' : 'semantic',
  };
}
