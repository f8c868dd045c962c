import { type Agreement, type Reading, read, readVerbatim, type Signatures } from './agree.ts';
import { embedLocal } from './embed.ts';

/** A larger text is looked up by its exact wording only: no two of them mean the same by chance, and reading costs time. */
const semanticBytesMax = 8 * 1024;

export interface Question {
  readonly signatures: Signatures;
  /** Absent where nearness decides nothing: wording or the words alone do. */
  readonly vector: Float32Array | undefined;
}

/** Both keys to an answer: what the text says, and where it lies among others. */
export function readQuestion(text: string, agreement: Agreement): Question {
  const reading = isLarge(text) ? readVerbatim(text) : read(text);
  // With `content` who agrees has the same canonical words, and so the same vector: a signature finds them.
  const isNear = agreement === 'facts' || agreement === 'none';
  return { signatures: reading.signatures, vector: isNear ? vectorOf(reading) : undefined };
}

// UTF-16 units are never more than UTF-8 bytes, so most large texts are known without counting.
const isLarge = (text: string) => text.length > semanticBytesMax || Buffer.byteLength(text) > semanticBytesMax;

const vectorOf = ({ tokens }: Reading) => (tokens.length === 0 ? undefined : embedLocal(tokens));
