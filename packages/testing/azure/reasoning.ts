import { createHmac, randomBytes } from 'node:crypto';
import { invalidParameter, type ProviderError } from './errors.ts';
import { newId } from './ids.ts';
import { type JsonRecord, recordsOf, stringOf } from './json.ts';

const INCLUDE = 'reasoning.encrypted_content';

/** Encrypted reasoning, which only the resource that made it can read back. */
export class ReasoningSeal {
  readonly #key = randomBytes(32);

  /** The reasoning item of an answer whose caller asked for it, else none. */
  items(request: JsonRecord): JsonRecord[] {
    if (!Array.isArray(request.include) || !request.include.includes(INCLUDE)) return [];
    const thought = randomBytes(24).toString('base64url');
    return [
      { id: newId('rs_'), type: 'reasoning', summary: [], encrypted_content: `${thought}.${this.#mac(thought)}` },
    ];
  }

  /** How what another resource has encrypted is refused; undefined where nothing is. */
  problem(request: JsonRecord): ProviderError | undefined {
    for (const item of recordsOf(request.input)) {
      const content = stringOf(item.encrypted_content);
      if (content === undefined) continue;
      const [thought = '', mac] = content.split('.');
      if (mac === this.#mac(thought)) continue;
      const message = 'The encrypted content could not be verified. Reason: it could not be decrypted or parsed.';
      return invalidParameter(message, 'input', 'invalid_encrypted_content');
    }
    return undefined;
  }

  #mac(thought: string): string {
    return createHmac('sha256', this.#key).update(thought).digest('base64url');
  }
}
