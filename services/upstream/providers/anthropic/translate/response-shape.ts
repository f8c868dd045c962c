import type { JsonRecord } from '../../../domain/json.ts';

/** What stands in a response beside what the model wrote: what was asked for, and that nothing is kept. */
export function responseShape(request: JsonRecord, nowMs: number): JsonRecord {
  return {
    object: 'response',
    created_at: Math.floor(nowMs / 1000),
    background: false,
    error: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...(request.reasoning as JsonRecord | null | undefined) },
    store: false,
    temperature: request.temperature ?? 1,
    text: { format: { type: 'text' }, ...(request.text as JsonRecord | null | undefined) },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_logprobs: 0,
    top_p: request.top_p ?? 1,
    truncation: 'disabled',
    user: request.user ?? null,
  };
}
