import { isMessages, type Surface } from '@tollgate/contracts';

/**
 * Public text for a model that nobody serves there.
 * @param asked as the caller named it; empty = not at all
 * @param elsewhere there is one, but its provider speaks another protocol
 */
export function noModelText(asked: string, surface: Surface, elsewhere: boolean): string {
  const name = `The model "${asked.slice(0, 100)}"`;
  if (!elsewhere) return `${name} does not exist here, or this proxy does not offer it.`;
  const nobody = asked === '' ? 'No model of this proxy is' : `${name} is not`;
  return isMessages(surface)
    ? `${nobody} served on /messages: that takes a provider of type anthropic. Models of other providers answer on /chat/completions and /responses.`
    : `${nobody} served on this path: its provider does not offer it. Models of Anthropic answer on /chat/completions, /responses and /messages.`;
}
