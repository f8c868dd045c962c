import { Surface } from '@tollgate/contracts';
import type { Body } from './body.ts';

/** Members with a limit on output tokens; the first is what every current model knows. */
const names: Partial<Record<Surface, readonly string[]>> = {
  [Surface.CHAT_COMPLETIONS]: ['max_completion_tokens', 'max_tokens'],
  [Surface.RESPONSES]: ['max_output_tokens'],
  [Surface.MESSAGES]: ['max_tokens'],
};

/** The same body with at most `most` output tokens for each answer; the same object when it asks for no more. */
export function withOutputLimit(body: Body, surface: Surface, most: number): Body {
  const known = names[surface] ?? [];
  const members = body.index.members.filter(({ key }) => known.includes(key));
  const given = members.filter((member) => body.literal(member) !== 'null');
  const [first] = members;
  if (first === undefined) return body.withMember(known[0] ?? '', String(most));
  const targets = given.length > 0 ? given : [first];
  const tooLarge = targets.filter((member) => {
    const limit = Number(body.literal(member));
    // On messages 0 asks for no answer at all: the prompt goes into the provider's cache.
    if (surface === Surface.MESSAGES && body.literal(member) === '0') return false;
    return !(limit > 0 && limit <= most);
  });
  return body.withLiterals(tooLarge, String(most));
}
