import { createAzure } from '@ai-sdk/azure';
import { createOpenAI } from '@ai-sdk/openai';
import { AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embedMany, generateText, type LanguageModel, streamText } from 'ai';
import OpenAI, { AzureOpenAI } from 'openai';
import OpenAI6, { AzureOpenAI as AzureOpenAI6 } from 'openai6';

/** Where a client is pointed, and with what. */
export interface Place {
  url: string;
  apiKey: string;
}

/** An official client with one form of base URL, changed in nothing else. */
export interface Client {
  name: string;
  json(place: Place, prompt: string): Promise<string>;
  /** Resolves with the whole text; rejects when the client says that the stream broke. */
  stream(place: Place, prompt: string): Promise<string>;
  embed?(place: Place, texts: string[]): Promise<number[][]>;
  /** The paths that it asks for. */
  path: RegExp;
  /** How its makers let it take refusals: how often it asks in all, and by which class it tells. */
  habits: Habits;
}

interface Habits {
  /** 429 that says `x-should-retry: false`. */
  budget: number;
  /** 502, with nothing sent before. */
  badGateway: number;
  statusOf(error: unknown): number | undefined;
}

const apiVersion = '2025-04-01-preview';
const model = 'gpt-4o';
const embedder = 'text-embedding-3-small';

const statusOf = (error: unknown) => (error as { status?: number }).status;
/** The AI SDK wraps what it repeated. */
const aiStatusOf = (error: unknown) => {
  const { statusCode, lastError } = error as { statusCode?: number; lastError?: { statusCode?: number } };
  return statusCode ?? lastError?.statusCode;
};

// openai repeats twice, unless the answer says not to (x-should-retry).
const openaiHabits: Habits = { budget: 1, badGateway: 3, statusOf };
/** How often the other two may repeat, which they do with growing waits: less than by default. */
const maxRetries = 1;
// The AI SDK repeats, and asks no header.
const aiHabits: Habits = { budget: 2, badGateway: 2, statusOf: aiStatusOf };
// LangChain does not repeat what a quota refused.
const langchainHabits: Habits = { budget: 1, badGateway: 2, statusOf };

function chat(name: string, path: RegExp, of: (place: Place) => OpenAI | OpenAI6): Client {
  const ask = (prompt: string) => ({ model, messages: [{ role: 'user' as const, content: prompt }] });
  return {
    name,
    path,
    json: async (place, prompt) =>
      (await (of(place) as OpenAI).chat.completions.create(ask(prompt))).choices[0]?.message.content ?? '',
    stream: async (place, prompt) => {
      let text = '';
      const chunks = await (of(place) as OpenAI).chat.completions.create({ ...ask(prompt), stream: true });
      for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    },
    embed: async (place, input) =>
      (await (of(place) as OpenAI).embeddings.create({ model: embedder, input })).data.map((one) => one.embedding),
    habits: openaiHabits,
  };
}

function responses(name: string, path: RegExp, of: (place: Place) => OpenAI | OpenAI6): Client {
  return {
    name,
    path,
    json: async (place, input) => (await (of(place) as OpenAI).responses.create({ model, input })).output_text,
    stream: async (place, input) => {
      let text = '';
      for await (const event of await (of(place) as OpenAI).responses.create({ model, input, stream: true })) {
        if (event.type === 'response.output_text.delta') text += event.delta;
      }
      return text;
    },
    habits: openaiHabits,
  };
}

interface AiProvider {
  chat(name: string): LanguageModel;
  responses(name: string): LanguageModel;
  embedding(name: string): Parameters<typeof embedMany>[0]['model'];
}

function ai(name: string, path: RegExp, kind: 'chat' | 'responses', of: (place: Place) => AiProvider): Client {
  return {
    name,
    path,
    json: async (place, prompt) => (await generateText({ model: of(place)[kind](model), prompt, maxRetries })).text,
    stream: async (place, prompt) => {
      let text = '';
      let broken: unknown;
      const onError = ({ error }: { error: unknown }) => {
        broken = error;
      };
      for await (const part of streamText({ model: of(place)[kind](model), prompt, maxRetries, onError }).textStream)
        text += part;
      if (broken !== undefined) throw broken;
      return text;
    },
    embed: async (place, values) => (await embedMany({ model: of(place).embedding(embedder), values })).embeddings,
    habits: aiHabits,
  };
}

function langchain(name: string, path: RegExp, of: (place: Place) => ChatOpenAI): Client {
  return {
    name,
    path,
    json: async (place, prompt) => (await of(place).invoke(prompt)).text,
    stream: async (place, prompt) => {
      let text = '';
      for await (const chunk of await of(place).stream(prompt)) text += chunk.text;
      return text;
    },
    habits: langchainHabits,
  };
}

const context = 'enterprise-llm-proxy';

export const clients: Client[] = [
  chat(
    'openai 7, OpenAI',
    /^\/v1\/(chat\/completions|embeddings)$/,
    ({ url, apiKey }) => new OpenAI({ baseURL: `${url}/v1`, apiKey }),
  ),
  responses(
    'openai 7, OpenAI, responses below the context',
    new RegExp(`^/${context}/openai/v1/responses$`),
    ({ url, apiKey }) => new OpenAI({ baseURL: `${url}/${context}/openai/v1`, apiKey }),
  ),
  chat(
    'openai 7, AzureOpenAI',
    /^\/openai\/deployments\/[^/]+\/(chat\/completions|embeddings)\?api-version=/,
    ({ url, apiKey }) => new AzureOpenAI({ endpoint: url, apiKey, apiVersion }),
  ),
  chat(
    'openai 6, OpenAI',
    /^\/v1\/(chat\/completions|embeddings)$/,
    ({ url, apiKey }) => new OpenAI6({ baseURL: `${url}/v1`, apiKey }),
  ),
  responses(
    'openai 6, AzureOpenAI, responses',
    /^\/openai\/responses\?api-version=/,
    ({ url, apiKey }) => new AzureOpenAI6({ endpoint: url, apiKey, apiVersion }),
  ),
  ai('AI SDK, OpenAI, chat', /^\/v1\/(chat\/completions|embeddings)$/, 'chat', ({ url, apiKey }) =>
    createOpenAI({ baseURL: `${url}/v1`, apiKey }),
  ),
  ai('AI SDK, OpenAI, responses', /^\/v1\/(responses|embeddings)$/, 'responses', ({ url, apiKey }) =>
    createOpenAI({ baseURL: `${url}/v1`, apiKey }),
  ),
  ai('AI SDK, Azure, responses', /^\/openai\/(responses|embeddings)$/, 'responses', ({ url, apiKey }) =>
    createAzure({ baseURL: `${url}/openai`, apiKey }),
  ),
  ai(
    'AI SDK, Azure, deployments in the path',
    /^\/openai\/deployments\/[^/]+\/(chat\/completions|embeddings)\?api-version=/,
    'chat',
    ({ url, apiKey }) => createAzure({ baseURL: `${url}/openai`, apiKey, apiVersion, useDeploymentBasedUrls: true }),
  ),
  langchain(
    'LangChain, OpenAI',
    /^\/v1\/chat\/completions$/,
    ({ url, apiKey }) => new ChatOpenAI({ model, apiKey, maxRetries, configuration: { baseURL: `${url}/v1` } }),
  ),
  langchain(
    'LangChain, OpenAI, responses',
    /^\/v1\/responses$/,
    ({ url, apiKey }) =>
      new ChatOpenAI({ model, apiKey, maxRetries, useResponsesApi: true, configuration: { baseURL: `${url}/v1` } }),
  ),
  langchain(
    'LangChain, Azure, an endpoint with a slash',
    /^\/\/?openai\/deployments\/[^/]+\/chat\/completions\?api-version=/,
    ({ url, apiKey }) =>
      new AzureChatOpenAI({
        azureOpenAIApiKey: apiKey,
        azureOpenAIEndpoint: `${url}/`,
        azureOpenAIApiDeploymentName: model,
        azureOpenAIApiVersion: apiVersion,
        maxRetries,
      }),
  ),
];

/** LangChain's embeddings are a class of their own. */
export function langchainEmbeddings({ url, apiKey }: Place): OpenAIEmbeddings {
  return new OpenAIEmbeddings({ model: embedder, apiKey, configuration: { baseURL: `${url}/v1` } });
}
