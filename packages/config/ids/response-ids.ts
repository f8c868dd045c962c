import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { itemTagCharacters, itemTagOf } from './item-tags.ts';

/** What an id of a response, as a caller has it, stands for. */
export interface IssuedResponse {
  /** The provider that keeps it, as the configuration calls it. */
  provider: string;
  /** The model that made it, as callers name it. */
  model: string;
  /** As the provider calls it. */
  providerId: string;
  /** It may be gone on from, and nothing else: what the provider keeps under it was made for another request. */
  borrowed: boolean;
  /** It is made in the background: `providerId` is the id of the request that made it (docs/adr/0015). Absent: it is not. */
  background?: true;
}

const prefix = 'resp_';
/** First byte of what is sealed. */
const version = 1;
const ivBytes = 12;
const tagBytes = 16;
const headBytes = 1 + ivBytes;
/** Names of 63 and 128 characters and a provider's id of 256 stay well below it. */
const idCharactersMax = 1024;
/** Each team's keys are derived once; far more than an organization has. */
const teamsKept = 4096;
const cipherName = 'aes-256-gcm';

const macCharacters = 22;
const markPattern = /^tge1\.([a-z0-9-]{1,63})\.([A-Za-z0-9_-]{22})\./;

/** The longest mark before an encrypted content, in characters. */
export const contentMarkCharactersMax = 5 + 63 + 1 + macCharacters + 1;

/** As objects: to take in a key's bytes for each call would cost five times the rest of it. */
interface TeamKeys {
  sealing: KeyObject;
  marking: KeyObject;
}

/** The mark at the beginning of an encrypted content that a caller sends back; empty when it has none of ours. */
export function contentMarkOf(text: string): string {
  return text.startsWith('tge1.') ? (markPattern.exec(text)?.[0] ?? '') : '';
}

/**
 * Ids of responses that need no store: each says, sealed with a key of the installation and of its team, which provider keeps
 * the response and what it is called there (docs/adr/0011). Whoever has the same secret can open it, at any time.
 */
export class ResponseIds {
  readonly #secrets: readonly string[];
  readonly #keys = new Map<string, TeamKeys[]>();

  /** @param secrets the first one seals, all of them open */
  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) throw new RangeError('response ids need a secret');
    this.#secrets = secrets;
  }

  /** A new id, whenever it is asked for one. */
  seal(teamId: string, { provider, model, providerId, borrowed, background }: IssuedResponse): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(cipherName, this.#first(teamId).sealing, iv);
    const text = cipher.update(
      JSON.stringify([provider, model, providerId, background ? 2 : borrowed ? 1 : 0]),
      'utf8',
    );
    const sealed = Buffer.concat([Buffer.of(version), iv, text, cipher.final(), cipher.getAuthTag()]);
    return prefix + sealed.toString('base64url');
  }

  /** Undefined for what is no id of this team's: made up, another team's, or sealed with a secret that is gone. */
  open(teamId: string, id: string): IssuedResponse | undefined {
    if (!id.startsWith(prefix) || id.length > idCharactersMax) return undefined;
    const coded = id.slice(prefix.length);
    const sealed = Buffer.from(coded, 'base64url');
    if (sealed.length <= headBytes + tagBytes || sealed[0] !== version) return undefined;
    // Decoding is lenient; an id has one spelling.
    if (sealed.toString('base64url') !== coded) return undefined;
    for (const { sealing } of this.#keysOf(teamId)) {
      const text = decrypt(sealing, sealed);
      if (text !== undefined) return read(text);
    }
    return undefined;
  }

  /** Stands before an encrypted content on its way to the caller: which provider alone can read it back. */
  contentMark(teamId: string, provider: string): string {
    return `tge1.${provider}.${mac(this.#first(teamId), provider)}.`;
  }

  /** The provider that a mark names; undefined when it was not made for this team. */
  providerOfMark(teamId: string, mark: string): string | undefined {
    const [whole, provider, given] = markPattern.exec(mark) ?? [];
    if (whole !== mark || provider === undefined || given === undefined) return undefined;
    const isGiven = (keys: TeamKeys) => timingSafeEqual(Buffer.from(mac(keys, provider)), Buffer.from(given));
    return this.#keysOf(teamId).some(isGiven) ? provider : undefined;
  }

  /** Stands behind the id of an item that the provider keeps, on its way to the caller: a proof of who keeps it for which team. */
  itemTag(teamId: string, provider: string, itemId: string): string {
    return tag(this.#first(teamId), provider, itemId);
  }

  /**
   * Who keeps the item that this id with its tag names; undefined when it was not given to this team by any of the providers.
   * @param providers who may be it, the most likely one first: each costs a MAC
   */
  providerOfItem(teamId: string, id: string, providers: Iterable<string>): string | undefined {
    const given = itemTagOf(id);
    if (given === '') return undefined;
    const itemId = id.slice(0, -itemTagCharacters);
    const keysOfTeam = this.#keysOf(teamId);
    for (const provider of providers) {
      if (keysOfTeam.some((keys) => timingSafeEqual(Buffer.from(tag(keys, provider, itemId)), Buffer.from(given))))
        return provider;
    }
    return undefined;
  }

  #first(teamId: string): TeamKeys {
    return this.#keysOf(teamId)[0] as TeamKeys;
  }

  #keysOf(teamId: string): TeamKeys[] {
    let keys = this.#keys.get(teamId);
    if (!keys) {
      keys = this.#secrets.map((secret) => derive(secret, teamId));
      if (this.#keys.size >= teamsKept) this.#keys.clear();
      this.#keys.set(teamId, keys);
    }
    return keys;
  }
}

/** Keys of a team's own: another team's id does not open, and AES-GCM's bound of 2^32 ids under one key is a team's. */
function derive(secret: string, teamId: string): TeamKeys {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', `tollgate response ids 1\n${teamId}`, 64));
  return { sealing: createSecretKey(bytes.subarray(0, 32)), marking: createSecretKey(bytes.subarray(32)) };
}

function decrypt(key: KeyObject, sealed: Buffer): string | undefined {
  const decipher = createDecipheriv(cipherName, key, sealed.subarray(1, headBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return decipher.update(sealed.subarray(headBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

function read(text: string): IssuedResponse {
  const [provider, model, providerId, kind] = JSON.parse(text) as [string, string, string, number];
  return { provider, model, providerId, borrowed: kind === 1, ...(kind === 2 && { background: true }) };
}

/** No provider's name has a line break, so no mark of a content is ever the tag of an item. */
function tag({ marking }: TeamKeys, provider: string, itemId: string): string {
  const digest = createHmac('sha256', marking).update(`item\n${provider}\n${itemId}`).digest('base64url');
  return `~${digest.slice(0, itemTagCharacters - 1)}`;
}

function mac({ marking }: TeamKeys, provider: string): string {
  return createHmac('sha256', marking).update(provider).digest('base64url').slice(0, macCharacters);
}
