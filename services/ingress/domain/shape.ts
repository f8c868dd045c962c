import { isMessages, type Surface } from '@tollgate/contracts';
import type { ErrorShape } from '@tollgate/errors';

/** Whose protocol a surface is. */
export function shapeOf(surface: Surface): ErrorShape {
  return isMessages(surface) ? 'anthropic' : 'openai';
}

/** The same of a path that could not be read, or that has nothing: Anthropic's calls are all at `messages` or below it. */
export function shapeOfUrl(url: string): ErrorShape {
  return /^[^?]*\/messages(\/[^/?]*)?\/?(\?|$)/.test(url) ? 'anthropic' : 'openai';
}
