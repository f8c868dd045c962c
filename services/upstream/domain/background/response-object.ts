import { isRecord, type JsonRecord } from '../json.ts';
import { eventText } from './run-events.ts';

export interface QueuedFacts {
  /** As its caller knows it. */
  id: string;
  createdAtMs: number;
  /** As it was asked for, or the first that will be tried. */
  model: string;
  previousResponseId: string | undefined;
}

/** What is said of a response at admission, bytes of JSON; what goes beyond it is left out until the answer is there. */
export const queuedBytesMax = 128 * 1024;

/** Nothing but these can be large. */
const large = { instructions: null, tools: [], text: undefined, metadata: {} };

/** A response before anybody works at it, shaped as OpenAI's API reference says ("The response object"). */
export function queuedResponse(
  asked: JsonRecord,
  { id, createdAtMs, model, previousResponseId }: QueuedFacts,
): JsonRecord {
  const response: JsonRecord = {
    id,
    object: 'response',
    created_at: Math.floor(createdAtMs / 1000),
    status: 'queued',
    background: true,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    model,
    output: [],
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: previousResponseId ?? null,
    reasoning: asked.reasoning ?? null,
    store: true,
    temperature: asked.temperature ?? null,
    text: asked.text ?? { format: { type: 'text' } },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools ?? [],
    top_p: asked.top_p ?? null,
    truncation: asked.truncation ?? 'disabled',
    usage: null,
    user: asked.user ?? null,
    metadata: asked.metadata ?? {},
  };
  return Buffer.byteLength(JSON.stringify(response)) > queuedBytesMax ? { ...response, ...large } : response;
}

/** The same response later, as far as it is known without its provider. */
export function responseWith(
  queued: JsonRecord,
  status: string,
  error: { code: string; message: string } | null = null,
): JsonRecord {
  return { ...queued, status, error };
}

/** The first two events of every stream, numbers 0 and 1: whoever loses the connection knows the id by then. */
export function admissionEvents(queued: JsonRecord): Buffer {
  const event = (type: string, number: number) => eventText(type, { type, sequence_number: number, response: queued });
  return Buffer.concat([event('response.created', 0), event('response.queued', 1)]);
}

/** The number of the first event of a first run. */
export const firstSequence = 2;

/** The last event of a response that is over. */
export function lastEvent(status: string, response: JsonRecord, sequenceNumber: number): Buffer {
  const type = `response.${status}`;
  return eventText(type, { type, sequence_number: sequenceNumber, response });
}

/** The end of a stream that has none of its own: official clients raise an event of this name and shape. */
export function errorEvent(code: string, message: string, sequenceNumber: number): Buffer {
  const error = { message, type: 'server_error', code, param: null };
  return eventText('error', { ...error, type: 'error', sequence_number: sequenceNumber, error });
}

/** What a provider's own refusal says, to stand in a response that failed. */
export function refusalOf(body: Uint8Array): { code: string; message: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
  const error = isRecord(parsed) ? parsed.error : undefined;
  if (!isRecord(error)) return undefined;
  const { code, type, message } = error;
  const name = typeof code === 'string' ? code : typeof type === 'string' ? type : 'invalid_request';
  return { code: name, message: typeof message === 'string' ? message : 'The provider refused this request.' };
}
