import type { ProviderError } from '../azure/errors.ts';
import { isRecord, type JsonRecord, numberOf, recordsOf, stringOf } from '../azure/json.ts';
import { extraInput, invalidRequest, missing } from './errors.ts';

/** Of both calls: the API refuses every member that it does not know. */
const COMMON = [
  ...['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'mcp_servers', 'context_management'],
  ...['output_config', 'output_format', 'cache_control', 'speed'],
];
const KNOWN = {
  messages: new Set([
    ...COMMON,
    ...['max_tokens', 'metadata', 'stop_sequences', 'stream', 'temperature', 'top_k', 'top_p', 'service_tier'],
    ...['container', 'inference_geo'],
  ]),
  count_tokens: new Set(COMMON),
};

/** What is wrong with a body, as the API would say it; undefined: nothing. */
export function problemOf(body: JsonRecord, surface: 'messages' | 'count_tokens'): ProviderError | undefined {
  const extra = Object.keys(body).find((name) => !KNOWN[surface].has(name));
  if (extra !== undefined) return extraInput(extra);
  if (stringOf(body.model) === undefined) return missing('model');
  if (!Array.isArray(body.messages)) return missing('messages');
  if (body.messages.length === 0) return invalidRequest('messages: at least one message is required');
  return (surface === 'messages' ? limitProblem(body) : undefined) ?? messagesProblem(recordsOf(body.messages));
}

function limitProblem({ max_tokens: most, thinking }: JsonRecord): ProviderError | undefined {
  if (most === undefined) return missing('max_tokens');
  const tokens = numberOf(most);
  if (tokens === undefined) return invalidRequest('max_tokens: Input should be a valid integer');
  if (tokens < 0) return invalidRequest('max_tokens: must be greater than or equal to 0');
  const budget = isRecord(thinking) ? numberOf(thinking.budget_tokens) : undefined;
  if (budget === undefined || budget < tokens) return undefined;
  return invalidRequest('`max_tokens` must be greater than `thinking.budget_tokens`.');
}

function messagesProblem(messages: readonly JsonRecord[]): ProviderError | undefined {
  let called: string[] = [];
  for (const [at, { role, content }] of messages.entries()) {
    // A system turn in mid-conversation leaves what is open as it is.
    if (role === 'system' && at > 0) continue;
    if (role !== 'user' && role !== 'assistant') return roleProblem(at, role);
    if (content === '' && at < messages.length - 1)
      return invalidRequest(
        'messages: all messages must have non-empty content except for the optional final assistant message',
      );
    const blocks = recordsOf(content);
    if (blocks.some(({ type, text }) => type === 'text' && text === ''))
      return invalidRequest('messages: text content blocks must be non-empty');
    const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => String(block.tool_use_id));
    const foreign = results.find((id) => !called.includes(id));
    if (foreign !== undefined)
      return invalidRequest(
        `messages.${at}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${foreign}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    const open = called.filter((id) => !results.includes(id));
    if (open.length > 0)
      return invalidRequest(
        `messages.${at - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    called = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id));
  }
  return undefined;
}

function roleProblem(at: number, role: unknown): ProviderError {
  if (role === 'system')
    return invalidRequest(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
    );
  return invalidRequest(`messages.${at}.role: Input should be 'user' or 'assistant'`);
}
