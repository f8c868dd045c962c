import { isRecord, type JsonRecord } from './json.ts';

type Counts = Readonly<Record<string, number>>;

const none: Counts = Object.freeze({});
const countMax = 0xffff_ffff;

/**
 * Calls in a response's output that OpenAI's price list (https://openai.com/api/pricing, Tools) has no price for: the
 * caller runs them, or they cost their tokens only. Every other `…_call` is a tool of the provider's.
 */
const freeItems = new Set([
  'function_call',
  'custom_tool_call',
  'computer_call',
  'mcp_call',
  'local_shell_call',
  'apply_patch_call',
  'tool_search_call',
]);

/** Tools that are billed by the container in which they run, not by the call. */
const containerTools = new Set(['code_interpreter', 'shell']);

/** Counts the billed calls among the items of a response's output, as they come. */
export class ToolCallCounter {
  #counts: Record<string, number> | undefined;
  readonly #containers = new Set<string>();

  get counts(): Counts {
    return this.#counts ?? none;
  }

  add(item: unknown): void {
    if (!isRecord(item) || typeof item.type !== 'string' || !item.type.endsWith('_call')) return;
    const tool = toolOf(item, item.type);
    if (tool === undefined || this.#isKnownContainer(tool, item)) return;
    this.#counts ??= {};
    this.#counts[tool] = (this.#counts[tool] ?? 0) + 1;
  }

  #isKnownContainer(tool: string, item: JsonRecord): boolean {
    const { environment } = item;
    const id = item.container_id ?? (isRecord(environment) ? environment.container_id : undefined);
    if (!containerTools.has(tool) || typeof id !== 'string') return false;
    const known = this.#containers.has(id);
    this.#containers.add(id);
    return known;
  }
}

function toolOf(item: JsonRecord, type: string): string | undefined {
  if (freeItems.has(type)) return undefined;
  // Opening a page and finding something in it are not billed (OpenAI's API reference, tool_usage.web_search).
  if (type === 'web_search_call' && isRecord(item.action) && (item.action.type ?? 'search') !== 'search')
    return undefined;
  if (type === 'shell_call' && !(isRecord(item.environment) && item.environment.type === 'container_reference')) {
    return undefined;
  }
  const tool = type.slice(0, -'_call'.length);
  return /^[a-z][a-z0-9_]{0,63}$/.test(tool) ? tool : 'other';
}

/** Of a whole response. The provider's own count of billable searches, where it tells one, is better than ours. */
export function responseToolCalls(output: unknown, toolUsage: unknown): Counts {
  const counter = new ToolCallCounter();
  if (Array.isArray(output)) for (const item of output) counter.add(item);
  return withToldSearches(counter.counts, toolUsage);
}

export function withToldSearches(counts: Counts, toolUsage: unknown): Counts {
  const search = isRecord(toolUsage) ? toolUsage.web_search : undefined;
  const told = isRecord(search) ? search.num_requests : undefined;
  if (!isCount(told)) return counts;
  const { web_search: _counted, ...others } = counts;
  return told === 0 ? others : { ...others, web_search: told };
}

/**
 * Of the choices of a chat completion, or of the deltas of its chunks. Chat does not tell its searches: models that search
 * do so once a request at least, and their answers cite what they found.
 */
export function chatToolCalls(choices: unknown): Counts {
  return Array.isArray(choices) && choices.some(cites) ? oneSearch : none;
}

export const oneSearch: Counts = Object.freeze({ web_search: 1 });

function cites(choice: unknown): boolean {
  const message = isRecord(choice) ? (choice.message ?? choice.delta) : undefined;
  const annotations = isRecord(message) ? message.annotations : undefined;
  return Array.isArray(annotations) && annotations.some((note) => isRecord(note) && note.type === 'url_citation');
}

/** `usage.server_tool_use`, as Anthropic tells it and those who pass its models on: `{ web_search_requests: 2 }`. */
export function toldToolCalls(value: unknown): Counts {
  if (!isRecord(value)) return none;
  const counts: Record<string, number> = {};
  for (const [name, told] of Object.entries(value)) {
    const [, tool] = /^([a-z][a-z0-9_]{0,63})_requests$/.exec(name) ?? [];
    if (tool !== undefined && isCount(told) && told > 0) counts[tool] = told;
  }
  return counts;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= countMax;
}
