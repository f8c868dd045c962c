import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { encode, IdempotencyEnd, KeptAnswer } from '@tollgate/contracts';
import type { Bus } from './connection.ts';
import { payloadBytesMax, subjects } from './subjects.ts';

/** Of an answer that is kept, as its caller got it: a stream of some 30,000 tokens. */
export const keptContentBytesMax = 8 * 1024 * 1024;
/** What is smaller is kept as it is, and told in the turn in which it ends: packing it takes longer than it saves. */
const unpackedBytesMax = 16 * 1024;
/** Beside the answer a message has ids and a hash. */
const answerBytesMax = payloadBytesMax - 1024;

const replyMsMax = 2000;
const tellingsMax = 3;
/** A guard-auth that restarts is there again after about so long. */
const againAfterMs = 1000;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** An answer as guard-auth keeps it; undefined: it is too large, packed too. Small ones need no promise. */
export function packAnswer(
  answer: Omit<KeptAnswer, 'packed' | 'contentBytes'>,
): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  const { length } = answer.content;
  if (length > keptContentBytesMax) return undefined;
  if (length <= unpackedBytesMax) return bounded({ ...answer, packed: false, contentBytes: length });
  return deflate(answer.content).then((content) => bounded({ ...answer, content, packed: true, contentBytes: length }));
}

function bounded(answer: KeptAnswer): Uint8Array | undefined {
  const bytes = encode(KeptAnswer, answer);
  return bytes.length <= answerBytesMax ? bytes : undefined;
}

/** What the first caller got. @throws Error when it does not unpack to what it was */
export async function unpackedContent({ packed, content, contentBytes }: KeptAnswer): Promise<Uint8Array> {
  if (!packed) return content;
  const unpacked = await inflate(content, { maxOutputLength: keptContentBytesMax });
  if (unpacked.length !== contentBytes) throw new Error(`unpacked to ${unpacked.length} of ${contentBytes} bytes`);
  return unpacked;
}

/**
 * Tells guard-auth what became of a call whose request holds an idempotency key, up to three times, until it says that it knows.
 * The first message leaves with all else of this turn, ahead of the answer's end. False: nobody said so within 8 s; a retry then
 * finds that nobody owns the request any more.
 *
 * @param pauseMs between two tellings
 */
export async function tellIdempotencyEnd(
  bus: Pick<Bus, 'request'>,
  end: IdempotencyEnd,
  pauseMs = againAfterMs,
): Promise<boolean> {
  const message = encode(IdempotencyEnd, end);
  for (let telling = 1; telling <= tellingsMax; telling++) {
    if (telling > 1) await wait(pauseMs);
    try {
      const reply = await bus.request(subjects.idempotencyEnd, message, replyMsMax);
      if (reply.length > 0) return true;
    } catch {
      // Nobody was there, or NATS was away: once more.
    }
  }
  return false;
}
