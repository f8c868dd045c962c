import type { Provider } from '@tollgate/config';
import { Surface } from '@tollgate/contracts';
import type { ProviderWire } from '../wire.ts';
import { translate } from './translate/translate.ts';

/** What is asked on OpenAI's surfaces is asked as a message. */
const surfacePaths: Partial<Record<Surface, string>> = {
  [Surface.CHAT_COMPLETIONS]: '/v1/messages',
  [Surface.RESPONSES]: '/v1/messages',
  [Surface.MESSAGES]: '/v1/messages',
  [Surface.COUNT_TOKENS]: '/v1/messages/count_tokens',
};

/** The version of the wire that is read and written here, sent with each call. */
const apiVersion = '2023-06-01';

/** Anthropic's Messages API. Its endpoint is what stands before `/v1`; one that is named with it works, too. */
export function anthropicWire({ type, endpoint }: Provider): ProviderWire {
  const base = new URL(endpoint).pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  return {
    path(surface) {
      const path = surfacePaths[surface];
      if (path === undefined) throw new RangeError(`surface ${surface} is not spoken by ${type}`);
      return `${base}${path}`;
    },
    stored({ action }) {
      throw new RangeError(`${type} has no ${action} of a response`);
    },
    headers(key) {
      const headers = ['anthropic-version', apiVersion];
      if (key !== undefined) headers.push('x-api-key', key);
      return headers;
    },
    // Anthropic charges for tokens of answers only; what it refuses has none.
    billsRefusal: () => false,
    translate,
  };
}
