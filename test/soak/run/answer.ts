import type { RequestPlan } from '../plan/request-plan.ts';

export interface Answer {
  /** The generated text that came. */
  text: string;
  /** It has the surface's proper end. */
  isWhole: boolean;
  /** Of the error that came, in the body or as an event; empty without one. */
  code: string;
  /** As the caller was told; undefined where it was not. */
  usage: { prompt: number; completion: number } | undefined;
}

export const noAnswer: Answer = { text: '', isWhole: false, code: '', usage: undefined };

interface Event {
  type?: string;
  code?: string;
  delta?: string;
  error?: { code?: string; type?: string };
  choices?: { delta?: { content?: string | null }; message?: { content?: string }; finish_reason?: string | null }[];
  output?: { content?: { text?: string }[] }[];
  status?: string;
  usage?: { prompt_tokens?: number; completion_tokens?: number; input_tokens?: number; output_tokens?: number } | null;
  response?: Event;
}

/** What a body says, also one that is not complete. */
export function readAnswer(plan: Pick<RequestPlan, 'stream' | 'surface'>, status: number, body: string): Answer {
  if (status !== 200 || !plan.stream) return readJson(plan.surface, status, body);
  const events = eventsOf(body);
  const failed = events.find(({ type, error }) => error || type === 'error');
  const code = failed ? (failed.error?.code ?? failed.code ?? failed.error?.type ?? 'unnamed') : '';
  if (plan.surface === 'chat') {
    const text = events.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');
    const usage = usageOf(events.findLast((event) => event.usage));
    return { text, isWhole: /^data: \[DONE\]$/m.test(body), code, usage };
  }
  const text = events.map(({ type, delta }) => (type === 'response.output_text.delta' ? (delta ?? '') : '')).join('');
  const last = events.find(({ type }) => type === 'response.completed');
  return { text, isWhole: last !== undefined, code, usage: usageOf(last?.response) };
}

function readJson(surface: RequestPlan['surface'], status: number, body: string): Answer {
  const answer = parsed(body);
  if (!answer) return noAnswer;
  if (status !== 200) return { ...noAnswer, code: answer.error?.code ?? answer.error?.type ?? 'unnamed' };
  const text =
    surface === 'chat'
      ? (answer.choices?.[0]?.message?.content ?? '')
      : (answer.output ?? []).flatMap(({ content = [] }) => content.map((part) => part.text ?? '')).join('');
  const isWhole = surface === 'chat' ? answer.choices?.[0]?.finish_reason === 'stop' : answer.status === 'completed';
  return { text, isWhole, code: '', usage: usageOf(answer) };
}

function usageOf(event: Event | undefined): Answer['usage'] {
  const usage = event?.usage;
  if (!usage) return undefined;
  return {
    prompt: usage.prompt_tokens ?? usage.input_tokens ?? 0,
    completion: usage.completion_tokens ?? usage.output_tokens ?? 0,
  };
}

function eventsOf(body: string): Event[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .flatMap((line) => parsed(line.slice('data: '.length)) ?? []);
}

function parsed(text: string): Event | undefined {
  try {
    return JSON.parse(text) as Event;
  } catch {
    return undefined;
  }
}
