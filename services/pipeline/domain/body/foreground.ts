import type { Body } from './body.ts';

/**
 * The body of a request in the background as its provider gets it: Tollgate itself is the background, and reads the answer as a
 * stream, so that what has come of it is known at any time.
 */
export function asForeground(body: Body): Body {
  const { members } = body.index;
  const foreground = body.withLiterals(
    members.filter(({ key }) => key === 'background'),
    'false',
  );
  const stream = foreground.index.members.filter(({ key }) => key === 'stream');
  return stream.length > 0 ? foreground.withLiterals(stream, 'true') : foreground.withMember('stream', 'true');
}
