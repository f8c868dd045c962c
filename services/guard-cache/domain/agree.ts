import { hash } from 'node:crypto';
import type { SemanticCache } from '@tollgate/config';
import { canonical } from './canonical/canonical.ts';
import { facts } from './facts.ts';
import { spell, type Token } from './text/token.ts';
import { tokenise } from './text/tokenise.ts';

/** How far two questions must agree, besides the cosine, before one is answered with the other's answer. */
export type Agreement = SemanticCache['agreement'];

/** What a text says at each level of agreement. Two texts agree if and only if their signatures there are equal. */
export interface Signatures {
  readonly exact: string;
  readonly content: string;
  readonly facts: string;
}

export interface Reading {
  readonly signatures: Signatures;
  /** The canonical sequence, which an embedding is made of; none for a text that was not read. */
  readonly tokens: readonly Token[];
}

/**
 * Changes whenever a rule or what an entry holds does. It is part of every key, so that signatures made by other rules are
 * never compared with these while two versions run side by side.
 */
export const rulesVersion = 3;

const digest = (kind: string, tokens: readonly Token[]) =>
  hash('sha256', `${kind}\u0002${spell(tokens)}`, 'base64url').slice(0, 22);

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Reads a question of at most a few KiB: linear in its length, some ten microseconds for a usual one. */
export function read(text: string): Reading {
  const tokens = tokenise(text);
  if (tokens.length === 0) return readVerbatim(text);
  const sequence = canonical(tokens);
  // Made when first asked for, and once: a lookup needs one or two of the three, the fill behind it the same.
  const exact = once(() => digest('exact', tokens));
  const content = once(() => digest('content', sequence));
  const factual = once(() => digest('facts', facts(sequence)));
  const signatures = {
    get exact() {
      return exact();
    },
    get content() {
      return content();
    },
    get facts() {
      return factual();
    },
  };
  return { signatures, tokens: sequence };
}

/** Of a text that is too large to be read, or says nothing in words: it agrees with itself only, and has no tokens. */
export function readVerbatim(text: string): Reading {
  const signature = digest('verbatim', [{ kind: 'code', text, name: 'no', pause: '' }]);
  return { signatures: { exact: signature, content: signature, facts: signature }, tokens: [] };
}
