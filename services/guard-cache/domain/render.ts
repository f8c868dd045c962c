import { randomBytes } from 'node:crypto';
import { completeBytesMax } from '@tollgate/bus';
import { Surface } from '@tollgate/contracts';
import type { JsonRecord } from './json.ts';
import { renderChat, renderChatStream } from './render-chat.ts';
import { renderMessage, renderMessageStream } from './render-messages.ts';
import { renderResponse, renderResponseStream } from './render-responses.ts';

const idBytes = 24;

export interface Shape {
  readonly surface: Surface;
  readonly stream: boolean;
  /** Usage as a chunk of its own, in a chat stream. */
  readonly includeUsage: boolean;
}

export interface Rendered {
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** What the asking team calls what a provider keeps. */
export interface Kept {
  readonly responseId: string;
  itemId(providerId: string): string;
}

const newId = (prefix: string): string => `${prefix}${randomBytes(idBytes).toString('hex')}`;

/**
 * A kept answer in the shape that was asked for, with an id of its own; undefined when it would not fit one frame (an
 * answer as a stream of typed events repeats its text four times).
 * @param kept of a response that its provider keeps; undefined: its ids lead nowhere
 */
export function render(answer: JsonRecord, shape: Shape, nowMs: number, kept?: Kept): Rendered | undefined {
  const body = Buffer.from(text(answer, shape, Math.floor(nowMs / 1000), kept));
  if (body.length > completeBytesMax) return undefined;
  return { body, contentType: shape.stream ? 'text/event-stream; charset=utf-8' : 'application/json' };
}

function text(
  answer: JsonRecord,
  { surface, stream, includeUsage }: Shape,
  nowSeconds: number,
  kept: Kept | undefined,
): string {
  if (surface === Surface.RESPONSES) {
    const repeat = { id: kept?.responseId ?? newId('resp_'), nowSeconds };
    const itemId = (prefix: string, own: unknown) =>
      kept && typeof own === 'string' ? kept.itemId(own) : newId(prefix);
    return stream ? renderResponseStream(answer, repeat, itemId) : renderResponse(answer, repeat, itemId);
  }
  if (surface === Surface.MESSAGES) {
    const id = newId('msg_');
    return stream ? renderMessageStream(answer, id) : renderMessage(answer, id);
  }
  const repeat = { id: newId('chatcmpl-'), nowSeconds };
  return stream ? renderChatStream(answer, repeat, includeUsage) : renderChat(answer, repeat);
}
