import { Surface } from './gen/tollgate/v1/common.ts';

/** Whether callers speak Anthropic's protocol there, errors and headers too: messages, and counting their tokens. */
export function isMessages(surface: Surface): boolean {
  return surface === Surface.MESSAGES || surface === Surface.COUNT_TOKENS;
}
