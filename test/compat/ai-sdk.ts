import { createAzure } from '@ai-sdk/azure';
import { createOpenAI } from '@ai-sdk/openai';
import * as ai7 from 'ai';
import { createAzure as createAzure3 } from 'ai-sdk-azure-3';
import { createAzure as createAzure300 } from 'ai-sdk-azure-3.0.0';
import { createOpenAI as createOpenAI3 } from 'ai-sdk-openai-3';
import * as ai6 from 'ai6';
import { apiVersion, type Client, embedder, gpt, type Habits, maxRetries, type Place, paths } from './client.ts';

/** A provider of the AI SDK, as far as it is asked here. */
interface AiProvider {
  chat(name: string): ai7.LanguageModel;
  responses(name: string): ai7.LanguageModel;
  embedding(name: string): Parameters<typeof ai7.embedMany>[0]['model'];
}

type Core = Pick<typeof ai7, 'generateText' | 'streamText' | 'embedMany' | 'APICallError' | 'RetryError'>;

/** One major version of the providers, with the major version of `ai` that goes with it. */
export interface AiMajor {
  name: string;
  core: Core;
  openai(options: { baseURL: string; apiKey: string }): AiProvider;
  azure(options: AzureOptions): AiProvider;
  /** Whether this is what becomes of an error within a stream. */
  broken(error: unknown): boolean;
}

interface AzureOptions {
  baseURL: string;
  apiKey: string;
  apiVersion?: string;
  useDeploymentBasedUrls?: boolean;
}

const core6 = ai6 as unknown as Core;
const older = (create: (options: AzureOptions) => unknown) => (options: AzureOptions) => create(options) as AiProvider;

export const ai4: AiMajor = {
  name: 'AI SDK 4',
  core: ai7,
  openai: createOpenAI,
  azure: createAzure,
  broken: (error) => ai7.StreamProviderError.isInstance(error) && error.code === 'upstream_error',
};
export const ai3: AiMajor = {
  name: 'AI SDK 3',
  core: core6,
  openai: older(createOpenAI3),
  azure: older(createAzure3),
  // It has no class for it: of chat completions the error itself, of responses the event.
  broken: (error) => {
    const { code, error: nested } = error as { code?: string; error?: { code?: string } };
    return (nested?.code ?? code) === 'upstream_error';
  },
};
/** The first of its major version, which asks other paths. */
export const ai300: AiMajor = { ...ai3, name: 'AI SDK 3.0.0', azure: older(createAzure300) };

function raises({ core: { APICallError, RetryError }, broken }: AiMajor): Habits['raises'] {
  const refused = (error: unknown, status: number, times: number) => {
    const last = RetryError.isInstance(error) ? error.lastError : error;
    if (RetryError.isInstance(error) && error.errors.length !== times) return false;
    if (times > 1 && !RetryError.isInstance(error)) return false;
    return APICallError.isInstance(last) && last.statusCode === status;
  };
  return {
    budget: (error) => refused(error, 429, 1 + maxRetries),
    rateLimit: (error) => refused(error, 429, 1),
    providersRate: (error) => refused(error, 429, 1 + maxRetries),
    badRequest: (error) => refused(error, 400, 1),
    wrongKey: (error) => refused(error, 401, 1),
    badGateway: (error) => refused(error, 502, 1 + maxRetries),
    broken,
    left: (error) => (error as Error).name === 'AbortError',
  };
}

interface Form {
  name: string;
  path: RegExp;
  model?: string;
  provider?: Client['provider'];
  of(place: Place): AiProvider;
}

/** @param kind the surface that the provider is told to use */
export function aiSdk(
  major: AiMajor,
  kind: 'chat' | 'responses',
  { name, path, of, model = gpt, provider = 'azure' }: Form,
): Client {
  const { core } = major;
  return {
    name: `${major.name}, ${name}, ${kind}`,
    path,
    provider,
    json: async (place, prompt, abortSignal) =>
      (
        await core.generateText({
          model: of(place)[kind](model),
          prompt,
          maxRetries: place.retries ?? maxRetries,
          abortSignal,
        })
      ).text,
    stream: async (place, prompt, { signal: abortSignal, heard } = {}) => {
      let text = '';
      let ended: unknown;
      const { textStream } = core.streamText({
        model: of(place)[kind](model),
        prompt,
        maxRetries: place.retries ?? maxRetries,
        abortSignal,
        // Neither is thrown: a stream only ends.
        onError: ({ error }) => {
          ended = error;
        },
        onAbort: () => {
          ended = new DOMException('as the client told', 'AbortError');
        },
      });
      for await (const part of textStream) {
        text += part;
        heard?.(part);
      }
      if (ended !== undefined) throw ended;
      return text;
    },
    embed:
      provider === 'azure'
        ? async (place, values) => (await core.embedMany({ model: of(place).embedding(embedder), values })).embeddings
        : undefined,
    // It repeats, and asks no header.
    habits: { budget: 1 + maxRetries, badGateway: 1 + maxRetries, raises: raises(major) },
  };
}

const kinds = ['chat', 'responses'] as const;
const surface = { chat: 'chat/completions', responses: 'responses' };

/** `createOpenAI` with a base URL: all after the gateway's address. */
export function aiOpenAiForms(major: AiMajor, base: string): Client[] {
  const of = ({ url, apiKey }: Place) => major.openai({ baseURL: `${url}${base}`, apiKey });
  return kinds.map((kind) =>
    aiSdk(major, kind, { name: `OpenAI at ${base}`, of, path: paths(base, `/${surface[kind]}|/embeddings`) }),
  );
}

/** `createAzure`, with plain paths and with deployments in them. */
export function aiAzureForms(major: AiMajor, endpoint: string): Client[] {
  const base = `${endpoint}/openai`;
  const dated = `\\?api-version=${apiVersion}`;
  // The first 3 asked below /v1, with the version that Azure's new paths have.
  const [v1, plain] = major === ai300 ? ['/v1', '\\?api-version=v1'] : ['', ''];
  return kinds.flatMap((kind) => [
    aiSdk(major, kind, {
      name: `Azure at ${base}`,
      of: ({ url, apiKey }) => major.azure({ baseURL: `${url}${base}`, apiKey }),
      path: paths(base, `${v1}/(${surface[kind]}|embeddings)${plain}`),
    }),
    aiSdk(major, kind, {
      name: `Azure with deployments at ${base}`,
      of: ({ url, apiKey }) =>
        major.azure({ baseURL: `${url}${base}`, apiKey, apiVersion, useDeploymentBasedUrls: true }),
      path: paths(base, `/deployments/[^/]+/(${surface[kind]}|embeddings)${dated}`),
    }),
  ]);
}
