import { invalidParameter, missingParameter, type ProviderError } from './errors.ts';
import { isRecord, type JsonRecord } from './json.ts';

interface Range {
  name: string;
  min: number;
  max: number;
  integer: boolean;
}

const MAX = Number.POSITIVE_INFINITY;
const SAMPLING: readonly Range[] = [
  { name: 'temperature', min: 0, max: 2, integer: false },
  { name: 'top_p', min: 0, max: 1, integer: false },
];
const CHAT: readonly Range[] = [
  ...SAMPLING,
  { name: 'n', min: 1, max: 128, integer: true },
  { name: 'max_tokens', min: 1, max: MAX, integer: true },
  { name: 'max_completion_tokens', min: 1, max: MAX, integer: true },
];
// The Responses API takes no less than 16 output tokens.
const RESPONSES: readonly Range[] = [...SAMPLING, { name: 'max_output_tokens', min: 16, max: MAX, integer: true }];

function rangeProblem(body: JsonRecord, { name, min, max, integer }: Range): ProviderError | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const kind = integer ? 'integer' : 'decimal';
  if (typeof value !== 'number' || (integer && !Number.isInteger(value))) {
    return invalidType(name, integer ? 'an integer' : 'a decimal', value);
  }
  if (value < min) {
    const message = `Invalid '${name}': ${kind} below minimum value. Expected a value >= ${min}, but got ${value} instead.`;
    return invalidParameter(message, name, `${kind}_below_min_value`);
  }
  if (value > max) {
    const message = `Invalid '${name}': ${kind} above maximum value. Expected a value <= ${max}, but got ${value} instead.`;
    return invalidParameter(message, name, `${kind}_above_max_value`);
  }
  return undefined;
}

function invalidType(name: string, expected: string, value: unknown): ProviderError {
  const message = `Invalid type for '${name}': expected ${expected}, but got ${typeName(value)} instead.`;
  return invalidParameter(message, name, 'invalid_type');
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return `a ${typeof value}`;
}

function firstProblem(body: JsonRecord, ranges: readonly Range[]): ProviderError | undefined {
  for (const range of ranges) {
    const problem = rangeProblem(body, range);
    if (problem) return problem;
  }
  return undefined;
}

export function chatProblem(body: JsonRecord): ProviderError | undefined {
  const { messages } = body;
  if (messages === undefined) return missingParameter('messages');
  if (!Array.isArray(messages)) return invalidType('messages', 'an array of objects', messages);
  if (messages.length === 0) {
    const message =
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
    return invalidParameter(message, 'messages', 'empty_array');
  }
  for (const [index, message] of messages.entries()) {
    if (!isRecord(message)) return invalidType(`messages[${index}]`, 'an object', message);
    if (message.role === undefined) return missingParameter(`messages[${index}].role`);
  }
  return firstProblem(body, CHAT);
}

export function responsesProblem(body: JsonRecord): ProviderError | undefined {
  const { input } = body;
  if (input === undefined) return missingParameter('input');
  if (typeof input !== 'string' && !Array.isArray(input)) {
    return invalidType('input', 'one of an array of objects or string', input);
  }
  return firstProblem(body, RESPONSES);
}

export function embeddingsProblem(body: JsonRecord): ProviderError | undefined {
  const { input } = body;
  if (input === undefined) return missingParameter('input');
  const valid = Array.isArray(input) ? input.length > 0 && input.length <= 2_048 : typeof input === 'string';
  if (!valid || input === '') return invalidParameter("'$.input' is invalid.", null, null);
  return rangeProblem(body, { name: 'dimensions', min: 1, max: 1_536, integer: true });
}
