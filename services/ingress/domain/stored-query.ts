import { itemTagCharacters, itemTagOf } from '@tollgate/config';
import type { StoredPath } from './path.ts';

/** What may be asked beside the id, by OpenAI's API reference ("Get a model response", "List input items"). */
const passed: Readonly<Record<StoredPath['action'], RegExp>> = {
  retrieve: /^include(\[\d*\])?$/,
  input_items: /^(after|before|limit|order|include(\[\d*\])?)$/,
  cancel: /^$/,
  delete: /^$/,
};

/** The parameters of a call by id that go on to the provider, encoded anew, items by their provider's ids; the caller's api-version and what is unknown stay here. */
export function storedQuery(action: StoredPath['action'], url: string): string {
  const mark = url.indexOf('?');
  if (mark < 0) return '';
  const kept = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    if (passed[action].test(name))
      kept.append(name, itemTagOf(value) === '' ? value : value.slice(0, -itemTagCharacters));
  }
  return kept.toString();
}
