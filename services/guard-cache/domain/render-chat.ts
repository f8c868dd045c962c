import { isNothing, isRecord, type JsonRecord, recordsOf } from './json.ts';
import { dataEvent, doneEvent, pieces } from './sse.ts';

/** What a repeated answer has of its own. */
export interface Repeat {
  readonly id: string;
  readonly nowSeconds: number;
}

/** A kept chat.completion as a new one. */
export const renderChat = (answer: JsonRecord, { id, nowSeconds }: Repeat): string =>
  JSON.stringify({ ...answer, id, created: nowSeconds });

/** A kept chat.completion as the events of a stream, its usage only for a caller that asked for it. */
export function renderChatStream(answer: JsonRecord, repeat: Repeat, includeUsage: boolean): string {
  const choice = recordsOf(answer.choices)[0] ?? {};
  const message = isRecord(choice.message) ? choice.message : {};
  const head = {
    id: repeat.id,
    object: 'chat.completion.chunk',
    created: repeat.nowSeconds,
    model: answer.model,
    ...pick(answer, ['service_tier', 'system_fingerprint']),
  };
  const chunk = (choices: readonly JsonRecord[], usage: unknown = null) =>
    dataEvent({ ...head, choices, ...(includeUsage ? { usage } : {}) });
  const delta = (fields: JsonRecord, rest: JsonRecord = {}) =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: null, ...rest }]);

  return [
    delta({ role: 'assistant', content: '', refusal: null }),
    ...reasoning(message).map((text) => delta({ reasoning_content: text })),
    ...contents(message, choice).map(({ fields, rest }) => delta(fields, rest)),
    delta({}, { finish_reason: choice.finish_reason }),
    includeUsage ? chunk([], answer.usage ?? null) : '',
    doneEvent,
  ].join('');
}

const pick = (record: JsonRecord, names: readonly string[]): JsonRecord =>
  Object.fromEntries(names.filter((name) => name in record).map((name) => [name, record[name]]));

const reasoning = (message: JsonRecord) =>
  typeof message.reasoning_content === 'string' ? pieces(message.reasoning_content) : [];

function contents(message: JsonRecord, choice: JsonRecord): readonly { fields: JsonRecord; rest: JsonRecord }[] {
  const text = typeof message.content === 'string' ? message.content : '';
  // Log probabilities belong to the text of their chunk, so the text stays whole with them.
  const texts = isNothing(choice.logprobs) ? pieces(text) : [text];
  return texts.map((content, index) => ({
    fields: {
      content,
      ...(index === 0 && !isNothing(message.annotations) ? { annotations: message.annotations } : {}),
    },
    rest: isNothing(choice.logprobs) ? {} : { logprobs: choice.logprobs },
  }));
}
