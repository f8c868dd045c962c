import { Surface } from '@tollgate/contracts';

/** What a caller reads in an answer, whatever its surface and however it came. */
export interface ReadAnswer {
  text: string;
  calls: { name: string; arguments: unknown }[];
  /** `stop`, `tool_calls`, `length`; of a response what it amounts to. */
  finish: string;
  /** The last event is the surface's own. */
  ended: boolean;
}

type Json = Record<string, never>;

/** @throws SyntaxError, TypeError for what no official client could read */
export function readAnswer(surface: Surface, stream: boolean, text: string): ReadAnswer {
  if (surface === Surface.RESPONSES)
    return stream ? readEvents(text) : { ...ofResponse(JSON.parse(text)), ended: true };
  return stream ? readChunks(text) : { ...ofCompletion(JSON.parse(text)), ended: true };
}

function ofCompletion(completion: Json): Omit<ReadAnswer, 'ended'> {
  const { choices } = completion as unknown as { choices: { message: Json; finish_reason: string }[] };
  const { message, finish_reason: finish } = choices[0] as { message: Json; finish_reason: string };
  const { content, tool_calls: calls = [] } = message as unknown as {
    content: string | null;
    tool_calls?: { type: string; id: string; function: { name: string; arguments: string } }[];
  };
  return {
    text: content ?? '',
    calls: calls.map(({ function: { name, arguments: given } }) => ({ name, arguments: JSON.parse(given) })),
    finish,
  };
}

/** As the `openai` client puts chunks together. */
function readChunks(text: string): ReadAnswer {
  const lines = text.split('\n\n').filter((event) => event.startsWith('data: '));
  const ended = lines.at(-1) === 'data: [DONE]';
  const calls: { name: string; arguments: string }[] = [];
  let said = '';
  let finish = '';
  for (const line of ended ? lines.slice(0, -1) : lines) {
    const { choices } = JSON.parse(line.slice(6));
    for (const { delta, finish_reason: reason } of choices) {
      said += delta.content ?? '';
      finish = reason ?? finish;
      for (const { index, function: part } of delta.tool_calls ?? []) {
        calls[index] ??= { name: '', arguments: '' };
        const call = calls[index] as { name: string; arguments: string };
        call.name += part.name ?? '';
        call.arguments += part.arguments ?? '';
      }
    }
  }
  const whole = ended ? calls.map(({ name, arguments: given }) => ({ name, arguments: JSON.parse(given) })) : [];
  return { text: said, calls: whole, finish, ended };
}

function ofResponse(response: Json): Omit<ReadAnswer, 'ended'> {
  const {
    output,
    status,
    incomplete_details: details,
  } = response as unknown as {
    output: { type: string; name: string; arguments: string; content: { text?: string }[] }[];
    status: string;
    incomplete_details: { reason: string } | null;
  };
  const calls = output
    .filter(({ type }) => type === 'function_call')
    .map(({ name, arguments: given }) => ({ name, arguments: JSON.parse(given) }));
  const text = output
    .filter(({ type }) => type === 'message')
    .flatMap(({ content }) => content.map((part) => part.text ?? ''))
    .join('');
  const incomplete = details?.reason === 'max_output_tokens' ? 'length' : (details?.reason ?? status);
  return { text, calls, finish: status === 'completed' ? (calls.length > 0 ? 'tool_calls' : 'stop') : incomplete };
}

/** The events in order, numbered from nought, and what they say agrees with the response at their end. */
function readEvents(text: string): ReadAnswer {
  const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data));
  const { response, type } = events.at(-1) ?? {};
  for (const [at, { sequence_number: number }] of events.entries())
    if (number !== at) throw new TypeError(`event ${at} has the number ${number}`);
  const deltas = events.filter((event) => event.type === 'response.output_text.delta').map(({ delta }) => delta);
  const ended = type === 'response.completed' || type === 'response.incomplete';
  if (!ended) return { text: deltas.join(''), calls: [], finish: '', ended };
  const whole = ofResponse(response);
  if (whole.text !== deltas.join('')) throw new TypeError('the deltas are another text than the response');
  return { ...whole, ended };
}
