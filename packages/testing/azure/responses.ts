import { type ContentFilterMode, responseFilters } from './filters.ts';
import type { Choice } from './generate.ts';
import { newId } from './ids.ts';
import { isRecord, type JsonRecord } from './json.ts';
import { type IssuedUsage, responseUsage } from './usage.ts';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export interface ResponseFacts {
  id: string;
  /** Seconds since the epoch. */
  createdAt: number;
  /** The dated version, not the deployment. */
  model: string;
  mode: ContentFilterMode;
  promptChars: number;
  /** The call's body: most of its fields come back in the object. */
  request: JsonRecord;
  /** Calls of the provider's own tools, by tool. */
  toolCalls?: Readonly<Record<string, number>>;
  serviceTier?: string;
}

function responseStatus(choice: Choice): 'completed' | 'incomplete' {
  return choice.finishReason === 'length' || choice.finishReason === 'content_filter' ? 'incomplete' : 'completed';
}

/** The Responses object while it has no output yet. */
export function responseObject(facts: ResponseFacts, status: ResponseStatus): JsonRecord {
  const { request } = facts;
  const given = (name: string, fallback: unknown) => request[name] ?? fallback;
  const text = isRecord(request.text) ? request.text : {};
  const reasoning = isRecord(request.reasoning) ? request.reasoning : {};
  return {
    id: facts.id,
    object: 'response',
    created_at: facts.createdAt,
    status,
    background: false,
    completed_at: null,
    ...(facts.mode === 'off' ? {} : { content_filters: responseFilters(facts.promptChars, undefined, false) }),
    error: null,
    incomplete_details: null,
    instructions: given('instructions', null),
    max_output_tokens: given('max_output_tokens', null),
    max_tool_calls: given('max_tool_calls', null),
    model: facts.model,
    output: [],
    parallel_tool_calls: given('parallel_tool_calls', true),
    previous_response_id: given('previous_response_id', null),
    prompt_cache_key: given('prompt_cache_key', null),
    reasoning: { effort: reasoning.effort ?? null, summary: reasoning.summary ?? null },
    safety_identifier: given('safety_identifier', null),
    service_tier: status === 'in_progress' ? 'auto' : (facts.serviceTier ?? 'default'),
    store: given('store', true),
    temperature: given('temperature', 1),
    text: { format: text.format ?? { type: 'text' }, verbosity: text.verbosity ?? 'medium' },
    tool_choice: given('tool_choice', 'auto'),
    tools: given('tools', []),
    top_logprobs: given('top_logprobs', 0),
    top_p: given('top_p', 1),
    truncation: given('truncation', 'disabled'),
    usage: null,
    user: given('user', null),
    metadata: given('metadata', {}),
  };
}

/** The Responses object with its whole output. */
export function finalResponse(
  facts: ResponseFacts,
  choice: Choice,
  output: readonly object[],
  usage: IssuedUsage,
): JsonRecord {
  const status = responseStatus(choice);
  const filtered = choice.finishReason === 'content_filter';
  const reason = filtered ? 'content_filter' : 'max_output_tokens';
  return {
    ...responseObject(facts, status),
    completed_at: status === 'completed' ? facts.createdAt : null,
    ...(facts.mode === 'off'
      ? {}
      : { content_filters: responseFilters(facts.promptChars, choice.text.length, filtered) }),
    incomplete_details: status === 'incomplete' ? { reason } : null,
    output,
    usage: responseUsage(usage),
  };
}

/** The items of a response's output, with their ids drawn once: what the provider's tools did stands in front. */
export function outputItems(choice: Choice, toolCalls: ResponseFacts['toolCalls'] = {}): JsonRecord[] {
  return [...toolItems(toolCalls), ...modelItems(choice)];
}

function toolItems(toolCalls: Readonly<Record<string, number>>): JsonRecord[] {
  return Object.entries(toolCalls).flatMap(([tool, calls]) =>
    Array.from({ length: calls }, () => ({
      id: newId('ci_'),
      type: `${tool}_call`,
      status: 'completed',
      ...(tool === 'web_search' ? { action: { type: 'search', query: 'the question' } } : {}),
      ...(tool === 'code_interpreter' ? { container_id: newId('cntr_'), code: '1', outputs: null } : {}),
    })),
  );
}

function modelItems(choice: Choice): JsonRecord[] {
  const status = responseStatus(choice);
  if (choice.toolCalls.length > 0) {
    return choice.toolCalls.map((call) => ({
      id: newId('fc_'),
      type: 'function_call',
      status,
      arguments: call.arguments,
      call_id: call.id,
      name: call.name,
    }));
  }
  return [{ id: newId('msg_'), type: 'message', status, content: [textPart(choice.text)], role: 'assistant' }];
}

export function textPart(text: string): JsonRecord {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}
