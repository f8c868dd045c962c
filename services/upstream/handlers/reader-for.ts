import { type Dispatch, Surface } from '@tollgate/contracts';
import { ChatAssembler } from '../domain/assemble/chat-assembler.ts';
import { MessageAssembler } from '../domain/assemble/message-assembler.ts';
import type { ResponseNames } from '../domain/response-names.ts';
import { ChatReader } from '../domain/stream/chat-reader.ts';
import { MessagesReader } from '../domain/stream/messages-reader.ts';
import type { PriceUsage, StreamReader } from '../domain/stream/reader.ts';
import { ResponsesReader } from '../domain/stream/responses-reader.ts';

/** Who follows the stream of a surface; undefined where a JSON answer is asked for. */
export function readerFor(
  { stream, surface, includeUsage, cacheFill }: Dispatch,
  price: PriceUsage,
  names: ResponseNames | undefined,
): StreamReader | undefined {
  if (!stream) return undefined;
  if (surface === Surface.MESSAGES)
    return new MessagesReader({ price, assembler: cacheFill && new MessageAssembler() });
  if (surface === Surface.RESPONSES && names)
    return new ResponsesReader({ price, cacheable: cacheFill !== undefined, names });
  return new ChatReader({ includeUsage, price, assembler: cacheFill && new ChatAssembler() });
}
