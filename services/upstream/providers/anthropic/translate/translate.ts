import { Surface } from '@tollgate/contracts';
import { type JsonRecord, parseRecord } from '../../../domain/json.ts';
import type { CallToTranslate, Translation } from '../../wire.ts';
import { chatAnswer } from './chat-answer.ts';
import { chatRequest } from './chat-request.ts';
import { ChatStream } from './chat-stream.ts';
import { openaiError } from './errors.ts';
import { malformed } from './refuse.ts';
import { responseShape } from './response-shape.ts';
import { responsesAnswer } from './responses-answer.ts';
import { responsesRequest, responseWish } from './responses-request.ts';
import { ResponsesStream } from './responses-stream.ts';

/**
 * A call of chat completions or of responses as one of Messages, and the way back; undefined for surfaces that are no
 * translation's.
 * @throws TollgateError `invalid_request` that names what has no counterpart
 */
export function translate(call: CallToTranslate): Translation | undefined {
  switch (call.surface) {
    case Surface.CHAT_COMPLETIONS: {
      const request = chatRequest(bodyOf(call), call);
      return {
        body: encode(request),
        answer: (body) => chatAnswer(body, call.nowMs),
        refusal,
        stream: () => new ChatStream(call.nowMs),
      };
    }
    case Surface.RESPONSES: {
      const body = bodyOf(call);
      const request = responsesRequest(body, call);
      const shape = responseShape(body, call.nowMs);
      const wish = responseWish(body);
      return {
        body: encode(request),
        answer: (answer) => responsesAnswer(answer, shape, wish),
        refusal,
        stream: () => new ResponsesStream(shape, wish),
      };
    }
    default:
      return undefined;
  }
}

function bodyOf({ body }: CallToTranslate): JsonRecord {
  const record = parseRecord(body.toString('utf8'));
  if (!record) throw malformed('', 'a JSON object');
  return record;
}

function encode(request: JsonRecord): Buffer {
  return Buffer.from(JSON.stringify(request));
}

/** What is no error of Anthropic's stays as it is. */
function refusal(status: number, body: Buffer): { status: number; body: Buffer } {
  const value = parseRecord(body.toString('utf8'))?.error;
  if (value == null) return { status, body };
  const { status: meant, error } = openaiError(value, status);
  return { status: meant, body: encode({ error }) };
}
