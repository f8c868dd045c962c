import type { JsonRecord } from '../../../domain/json.ts';

export interface Turn {
  role: 'user' | 'assistant';
  content: JsonRecord[];
}

/**
 * A conversation as Anthropic wants it: what the system says apart, and turns in alternation. Results of parallel calls are
 * one turn with what the user says after them.
 */
export class Turns {
  readonly system: JsonRecord[] = [];
  readonly messages: Turn[] = [];

  add(role: Turn['role'], blocks: readonly JsonRecord[]): void {
    if (blocks.length === 0) return;
    const last = this.messages.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else this.messages.push({ role, content: [...blocks] });
  }

  /**
   * The model called tools in its last turn, and what it thought before is not there. With a budget for thinking Anthropic
   * refuses such a turn ("Extended thinking", Preserving thinking blocks).
   */
  get callsWithoutThought(): boolean {
    const content = this.messages.findLast(({ role }) => role === 'assistant')?.content ?? [];
    const thought = content[0]?.type === 'thinking' || content[0]?.type === 'redacted_thinking';
    return !thought && content.some(({ type }) => type === 'tool_use');
  }
}

/** The caller's id of a call, in the letters that Anthropic takes. The same in a call and in its result. */
export function toolUseId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, '_');
}
