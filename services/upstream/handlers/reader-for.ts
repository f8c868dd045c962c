import { type Dispatch, Surface } from '@tollgate/contracts';
import { ChatAssembler } from '../domain/assemble/chat-assembler.ts';
import { MessageAssembler } from '../domain/assemble/message-assembler.ts';
import type { ResponseNames } from '../domain/response-names.ts';
import { ChatReader } from '../domain/stream/chat-reader.ts';
import { MessagesReader } from '../domain/stream/messages-reader.ts';
import type { PriceUsage, StreamReader } from '../domain/stream/reader.ts';
import { ResponsesReader } from '../domain/stream/responses-reader.ts';
import { TranslatedReader, type Translation } from '../providers/index.ts';

/** Who follows the stream of a surface; undefined where a JSON answer is asked for. */
export function readerFor(
  dispatch: Dispatch,
  price: PriceUsage,
  names: ResponseNames | undefined,
  translation: Translation | undefined,
): StreamReader | undefined {
  if (!dispatch.stream) return undefined;
  const reader = surfaceReader(dispatch, price, names);
  return translation ? new TranslatedReader(reader, translation.stream()) : reader;
}

function surfaceReader(
  { surface, includeUsage, cacheFill }: Dispatch,
  price: PriceUsage,
  names: ResponseNames | undefined,
): StreamReader {
  if (surface === Surface.MESSAGES)
    return new MessagesReader({ price, assembler: cacheFill && new MessageAssembler() });
  if (surface === Surface.RESPONSES && names)
    return new ResponsesReader({ price, cacheable: cacheFill !== undefined, names });
  return new ChatReader({ includeUsage, price, assembler: cacheFill && new ChatAssembler() });
}
