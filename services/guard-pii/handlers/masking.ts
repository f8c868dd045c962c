import type { ConfigSnapshot } from '@tollgate/config';
import { encode, GuardReply, GuardRequest } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import type { ScanPool } from '../adapters/scan-pool.ts';
import { mask } from '../domain/mask.ts';
import { type Region, ScanTooCostly } from '../domain/phone-book.ts';
import { type PiiSettings, piiSettings } from '../domain/settings.ts';
import type { PiiCounters } from './counters.ts';

/** Longer texts, in UTF-16 units all together, are scanned in a thread: small requests would wait for milliseconds. */
const mainThreadCharactersMax = 256 * 1024;

/** Phone numbers looked at closely on the main thread, 10 µs each; a text with more goes to a thread too. */
const mainThreadQuestionsMax = 256;

interface ConfigSource {
  at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot>;
}

export interface MaskingOptions {
  config: ConfigSource;
  pool: Pick<ScanPool, 'scan'>;
  regions: readonly Region[];
  counters: PiiCounters;
}

/** Answers PiiCalls. Nothing of a text is kept, logged, or part of an error. */
export class Masking {
  readonly #options: MaskingOptions;

  constructor(options: MaskingOptions) {
    this.#options = options;
  }

  /** @throws TollgateError `guard_unavailable`, `overloaded` */
  readonly handle = (request: GuardRequest, deadlineMs: number): GuardResult | Promise<GuardResult> => {
    const snapshot = this.#options.config.at(request.revision);
    if (!(snapshot instanceof Promise)) return this.#mask(request, snapshot, deadlineMs);
    return snapshot.then((arrived) => this.#mask(request, arrived, deadlineMs));
  };

  /** A large request: scanned in a thread from its bytes to the bytes of its reply. */
  readonly handleEncoded = async (
    request: Uint8Array<ArrayBuffer>,
    envelope: GuardRequest,
    deadlineMs: number,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const snapshot = await this.#options.config.at(envelope.revision);
    const settings = piiSettings(snapshot, envelope.proxy, envelope.guardrail);
    return this.#scan(request, settings, deadlineMs);
  };

  #mask(request: GuardRequest, snapshot: ConfigSnapshot, deadlineMs: number): GuardResult | Promise<GuardResult> {
    if (request.call?.$case !== 'pii') {
      throw new TollgateError('guard_unavailable', { internal: `guard-pii was asked for ${request.call?.$case}` });
    }
    const settings = piiSettings(snapshot, request.proxy, request.guardrail);
    const { texts } = request.call.value;
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    if (characters > mainThreadCharactersMax) return this.#inThread(request, settings, deadlineMs);
    try {
      const value = mask(texts, { ...settings, regions: this.#options.regions }, mainThreadQuestionsMax);
      this.#options.counters.scanned('main', value.entities);
      return { $case: 'pii', value };
    } catch (fault) {
      if (fault instanceof ScanTooCostly) return this.#inThread(request, settings, deadlineMs);
      throw fault;
    }
  }

  async #inThread(request: GuardRequest, settings: PiiSettings, deadlineMs: number): Promise<GuardResult> {
    const encoded = encode(GuardRequest, request);
    return GuardReply.decode(await this.#scan(encoded, settings, deadlineMs)).result;
  }

  async #scan(request: Uint8Array<ArrayBuffer>, settings: PiiSettings, deadlineMs: number) {
    const { reply, entities } = await this.#options.pool.scan(
      { request, kinds: [...settings.kinds], mode: settings.mode },
      deadlineMs,
    );
    this.#options.counters.scanned('thread', entities);
    return reply;
  }
}
