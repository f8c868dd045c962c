import { TollgateError } from '@tollgate/errors';
import type { StoredPath } from './path.ts';

/** What may be asked beside the id, by OpenAI's API reference ("Get a model response", "List input items"). */
const passed: Readonly<Record<StoredPath['action'], RegExp>> = {
  retrieve: /^include(\[\d*\])?$/,
  input_items: /^(after|before|limit|order|include(\[\d*\])?)$/,
  cancel: /^$/,
  delete: /^$/,
};

/**
 * The parameters of a call by id that go on to the provider, encoded anew; the caller's api-version and what is unknown stay here.
 * @throws TollgateError `invalid_request` for `stream`: only responses in the background can be streamed by their id
 */
export function storedQuery(action: StoredPath['action'], url: string): string {
  const mark = url.indexOf('?');
  if (mark < 0) return '';
  const kept = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    if (name === 'stream' && value !== 'false') {
      const message = '"stream" asks for a response that runs in the background, which this build does not serve.';
      throw new TollgateError('invalid_request', { message, param: 'stream' });
    }
    if (passed[action].test(name)) kept.append(name, value);
  }
  return kept.toString();
}
