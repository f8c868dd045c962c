import OpenAI, { AzureOpenAI } from 'openai';
import OpenAI6, { AzureOpenAI as AzureOpenAI6 } from 'openai6';
import { apiVersion, type Client, context, embedder, gpt, type Habits, type Place, paths } from './client.ts';

/** One major version of `openai`. */
export interface Major {
  name: string;
  OpenAI: typeof OpenAI;
  AzureOpenAI: typeof AzureOpenAI;
}

export const majors: readonly [Major, Major] = [
  { name: 'openai 7', OpenAI, AzureOpenAI },
  // What is asked of it here is typed alike in both.
  {
    name: 'openai 6',
    OpenAI: OpenAI6 as unknown as typeof OpenAI,
    AzureOpenAI: AzureOpenAI6 as unknown as typeof AzureOpenAI,
  },
];

/** The classes of one major version, one for each refusal. */
export function raises(classes: typeof OpenAI): Habits['raises'] {
  return {
    budget: (error) => error instanceof classes.RateLimitError && error.code === 'budget_exceeded',
    rateLimit: (error) => error instanceof classes.RateLimitError && error.code === 'rate_limit_exceeded',
    providersRate: (error) => error instanceof classes.RateLimitError && error.code === 'upstream_rate_limited',
    badRequest: (error) => error instanceof classes.BadRequestError && error.code === 'guardrail_intervened',
    wrongKey: (error) => error instanceof classes.AuthenticationError && error.code === 'invalid_api_key',
    badGateway: (error) => error instanceof classes.InternalServerError && error.status === 502,
    // What an event says is of no subclass; a connection that is lost is.
    broken: (error) => (error as object).constructor === classes.APIError && (error as Error).message.length > 0,
    left: (error) => error instanceof classes.APIUserAbortError,
  };
}

interface Form {
  name: string;
  path: RegExp;
  model?: string;
  provider?: Client['provider'];
  of(place: Place): OpenAI;
}

// It repeats twice, unless the answer says not to (x-should-retry).
const habits = (major: Major): Habits => ({ budget: 1, badGateway: 3, raises: raises(major.OpenAI) });

/** Chat completions, and embeddings where a model of them is offered. */
export function chat(major: Major, { name, path, of, model = gpt, provider = 'azure' }: Form): Client {
  const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  return {
    name: `${major.name}, ${name}`,
    path,
    provider,
    json: async (place, prompt, signal) =>
      (await of(place).chat.completions.create(ask(prompt), { signal })).choices[0]?.message.content ?? '',
    stream: async (place, prompt, { signal, heard } = {}) => {
      let text = '';
      const chunks = await of(place).chat.completions.create({ ...ask(prompt), stream: true }, { signal });
      for await (const chunk of chunks) {
        const delta = chunk.choices[0]?.delta.content ?? '';
        text += delta;
        if (delta !== '') heard?.(delta);
      }
      // It ends a stream that its caller left without a word.
      if (signal?.aborted) throw new major.OpenAI.APIUserAbortError();
      return text;
    },
    embed:
      provider === 'azure'
        ? async (place, input) =>
            (await of(place).embeddings.create({ model: embedder, input })).data.map((one) => one.embedding)
        : undefined,
    habits: habits(major),
  };
}

export function responses(major: Major, { name, path, of, model = gpt, provider = 'azure' }: Form): Client {
  return {
    name: `${major.name}, ${name}, responses`,
    path,
    provider,
    json: async (place, input, signal) => (await of(place).responses.create({ model, input }, { signal })).output_text,
    stream: async (place, input, { signal, heard } = {}) => {
      let text = '';
      for await (const event of await of(place).responses.create({ model, input, stream: true }, { signal })) {
        if (event.type !== 'response.output_text.delta') continue;
        text += event.delta;
        heard?.(event.delta);
      }
      if (signal?.aborted) throw new major.OpenAI.APIUserAbortError();
      return text;
    },
    habits: habits(major),
  };
}

/** `OpenAI` with a base URL: all after the gateway's address. */
export function openAiForms(major: Major, base: string): [Client, Client] {
  const name = `OpenAI at ${base || '/'}`;
  const of = ({ url, apiKey, retries }: Place) =>
    new major.OpenAI({ baseURL: `${url}${base}`, apiKey, maxRetries: retries });
  return [
    chat(major, { name, of, path: paths(base, '/chat/completions|/embeddings') }),
    responses(major, { name, of, path: paths(base, '/responses') }),
  ];
}

const deployed = '/deployments/[^/]+/(chat/completions|embeddings)';
const dated = `\\?api-version=${apiVersion}`;

/** `AzureOpenAI` in every form. @param endpoint all after the gateway's address */
export function azureForms(major: Major, endpoint: string): Client[] {
  const at = (base: string) => base || '/';
  const keyed = {
    name: `AzureOpenAI at ${at(endpoint)}`,
    of: ({ url, apiKey, retries: maxRetries }: Place) =>
      new major.AzureOpenAI({ endpoint: `${url}${endpoint}`, apiKey, apiVersion, maxRetries }),
  };
  const bearer = {
    name: `AzureOpenAI with a token at ${at(endpoint)}`,
    of: ({ url, apiKey, retries: maxRetries }: Place) =>
      new major.AzureOpenAI({
        endpoint: `${url}${endpoint}`,
        azureADTokenProvider: () => Promise.resolve(apiKey),
        apiVersion,
        maxRetries,
      }),
  };
  const v1 = {
    name: `AzureOpenAI with base ${endpoint}/openai/v1`,
    of: ({ url, apiKey, retries: maxRetries }: Place) =>
      new major.AzureOpenAI({ baseURL: `${url}${endpoint}/openai/v1`, apiKey, apiVersion, maxRetries }),
  };
  const chats = [keyed, bearer, v1].map((form) => {
    const base = `${endpoint}/openai${form === v1 ? '/v1' : ''}`;
    return chat(major, { ...form, path: paths(base, deployed + dated) });
  });
  const others = [keyed, bearer, v1].map((form) => {
    const base = `${endpoint}/openai${form === v1 ? '/v1' : ''}`;
    return responses(major, { ...form, path: paths(base, `/responses${dated}`) });
  });
  // The deployment in the path beats the body's model, which nobody offers.
  const named = chat(major, {
    name: `AzureOpenAI with a deployment at ${at(endpoint)}`,
    model: 'no-such-model',
    of: ({ url, apiKey, retries: maxRetries }) =>
      new major.AzureOpenAI({ endpoint: `${url}${endpoint}`, apiKey, apiVersion, deployment: gpt, maxRetries }),
    path: paths(`${endpoint}/openai`, `/deployments/${gpt}/chat/completions${dated}`),
  });
  return [...chats, ...others, { ...named, embed: undefined }];
}

/** What stands after the gateway's address in a base URL of `OpenAI`. */
export const openAiBases = ['/v1', '/openai', '/openai/v1', '', `/${context}/v1`, `/${context}/openai/v1`];
