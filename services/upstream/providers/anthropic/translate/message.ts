import { isRecord, isText, type JsonRecord, parseRecord } from '../../../domain/json.ts';

/** The body of a 200, when it is a message. */
export function parseMessage(body: Buffer): (JsonRecord & { content: unknown[] }) | undefined {
  const message = parseRecord(body.toString('utf8'));
  const content = message?.content;
  return message && Array.isArray(content) ? { ...message, content } : undefined;
}

/** Anthropic's id of a message without its kind: what is made of it gets kinds of its own. */
export function stem(id: unknown): string {
  return isText(id) ? id.replace(/^msg_/, '') : 'unknown';
}

/** Chat's reason for which a model stopped. */
export function finishReason(stopReason: unknown): string {
  switch (stopReason) {
    case 'tool_use':
      return 'tool_calls';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'refusal':
      return 'content_filter';
    default:
      return 'stop';
  }
}

/** Why a response is not whole; undefined when it is. */
export function incompleteReason(stopReason: unknown): string | undefined {
  const reason = finishReason(stopReason);
  if (reason === 'length') return 'max_output_tokens';
  return reason === 'content_filter' ? reason : undefined;
}

/** A tool's input as the text that OpenAI has for it. */
export function argumentsText(input: unknown): string {
  return JSON.stringify(isRecord(input) ? input : {});
}
