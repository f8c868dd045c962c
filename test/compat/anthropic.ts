import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  RateLimitError,
} from '@anthropic-ai/sdk';
import { type Client, type Habits, type Place, paths } from './client.ts';

export const claude = 'claude-haiku-4-5';

const codeOf = (error: APIError) => (error.error as { error?: { code?: string } } | undefined)?.error?.code;

// It repeats twice, unless the answer says not to (x-should-retry).
const habits: Habits = {
  budget: 1,
  badGateway: 3,
  raises: {
    budget: (error) => error instanceof RateLimitError && codeOf(error) === 'budget_exceeded',
    rateLimit: (error) => error instanceof RateLimitError && codeOf(error) === 'rate_limit_exceeded',
    providersRate: (error) => error instanceof RateLimitError && codeOf(error) === 'upstream_rate_limited',
    badRequest: (error) => error instanceof BadRequestError && codeOf(error) === 'guardrail_intervened',
    wrongKey: (error) => error instanceof AuthenticationError && error.type === 'authentication_error',
    badGateway: (error) => error instanceof InternalServerError && error.status === 502 && error.type === 'api_error',
    // What an event says is of no subclass; a connection that is lost is.
    broken: (error) => (error as object).constructor === APIError && (error as APIError).type === 'api_error',
    left: (error) => error instanceof APIUserAbortError,
  },
};

function messages(name: string, base: string, of: (place: Place) => Anthropic): Client {
  const ask = (content: string) => ({
    model: claude,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
  });
  return {
    name: `Anthropic, ${name} at ${base || '/'}`,
    path: paths(base, '/v1/messages'),
    provider: 'anthropic',
    json: async (place, prompt, signal) => {
      const { content } = await of(place).messages.create(ask(prompt), { signal });
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    stream: async (place, prompt, { signal, heard } = {}) => {
      let text = '';
      for await (const event of await of(place).messages.create({ ...ask(prompt), stream: true }, { signal })) {
        if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue;
        text += event.delta.text;
        heard?.(event.delta.text);
      }
      // It ends a stream that its caller left without a word.
      if (signal?.aborted) throw new APIUserAbortError();
      return text;
    },
    habits,
  };
}

/** With either way to send a key. @param base all after the gateway's address */
export function anthropicForms(base: string): [Client, Client] {
  return [
    messages(
      'x-api-key',
      base,
      ({ url, apiKey, retries: maxRetries }) => new Anthropic({ apiKey, baseURL: `${url}${base}`, maxRetries }),
    ),
    messages(
      'bearer',
      base,
      ({ url, apiKey, retries: maxRetries }) =>
        new Anthropic({ apiKey: null, authToken: apiKey, baseURL: `${url}${base}`, maxRetries }),
    ),
  ];
}
