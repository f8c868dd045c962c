import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { itemOf } from './items.ts';
import { incompleteReason, parseMessage, stem } from './message.ts';
import type { ResponseWish } from './responses-request.ts';
import { responsesUsage, serviceTier } from './usage.ts';

/** A message as a response; the same buffer when it is none. @param shape as responseShape made it */
export function responsesAnswer(body: Buffer, shape: JsonRecord, wish: ResponseWish): Buffer {
  const message = parseMessage(body);
  if (!message) return body;
  const key = stem(message.id);
  const output = message.content
    .filter(isRecord)
    .map((block, at) => itemOf(`${key}_${at}`, block, wish))
    .filter((item) => item !== undefined);
  return Buffer.from(JSON.stringify(response(shape, message, output, message.stop_reason, message.usage)));
}

/** A response that has ended. Its id comes first: whoever renames it reads no further. */
export function response(
  shape: JsonRecord,
  { id, model }: JsonRecord,
  output: readonly JsonRecord[],
  stopReason: unknown,
  usage: unknown,
): JsonRecord {
  const reason = incompleteReason(stopReason);
  return {
    id: `resp_${stem(id)}`,
    ...shape,
    status: reason === undefined ? 'completed' : 'incomplete',
    incomplete_details: reason === undefined ? null : { reason },
    model,
    output,
    service_tier: serviceTier(usage) ?? 'default',
    usage: responsesUsage(usage) ?? null,
  };
}
