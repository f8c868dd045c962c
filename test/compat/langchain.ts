import { AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import OpenAI from 'openai';
import { apiVersion, type Client, embedder, gpt, type Habits, maxRetries, type Place, paths } from './client.ts';
import { raises } from './openai.ts';

const ofOpenAi = raises(OpenAI);
const coded = (error: unknown, code: string) => (error as { lc_error_code?: string }).lc_error_code === code;

// It does not repeat what a quota refused. Its errors are those of `openai`, some with a code of its own.
const habits: Habits = {
  budget: 1,
  badGateway: 1 + maxRetries,
  raises: {
    ...ofOpenAi,
    budget: (error) => ofOpenAi.budget(error) && coded(error, 'MODEL_RATE_LIMIT'),
    rateLimit: (error) => ofOpenAi.rateLimit(error) && coded(error, 'MODEL_RATE_LIMIT'),
    providersRate: (error) => ofOpenAi.providersRate(error) && coded(error, 'MODEL_RATE_LIMIT'),
    wrongKey: (error) => ofOpenAi.wrongKey(error) && coded(error, 'MODEL_AUTHENTICATION'),
    left: (error) => ['AbortError', 'ModelAbortError'].includes((error as Error).name),
  },
};

/** @param of a chat model, of either class */
function langchain(
  name: string,
  path: RegExp,
  of: (place: Place) => ChatOpenAI,
  provider: Client['provider'] = 'azure',
): Client {
  return {
    name: `LangChain, ${name}`,
    path,
    provider,
    json: async (place, prompt, signal) => (await of(place).invoke(prompt, { signal })).text,
    stream: async (place, prompt, { signal, heard } = {}) => {
      let text = '';
      for await (const chunk of await of(place).stream(prompt, { signal })) {
        text += chunk.text;
        if (chunk.text !== '') heard?.(chunk.text);
      }
      return text;
    },
    habits,
  };
}

/** `ChatOpenAI` with a base URL, on both surfaces. @param base all after the gateway's address */
export function langchainOpenAiForms(base: string, model = gpt, provider: Client['provider'] = 'azure'): Client[] {
  return [false, true].map((useResponsesApi) =>
    langchain(
      `OpenAI at ${base}${useResponsesApi ? ', responses' : ''}`,
      paths(base, useResponsesApi ? '/responses' : '/chat/completions'),
      ({ url, apiKey, retries }) =>
        new ChatOpenAI({
          model,
          apiKey,
          maxRetries: retries ?? maxRetries,
          useResponsesApi,
          configuration: { baseURL: `${url}${base}` },
        }),
      provider,
    ),
  );
}

/** `AzureChatOpenAI`, on both surfaces. @param endpoint all after the gateway's address; one final slash makes two */
export function langchainAzureForms(endpoint: string): Client[] {
  return [false, true].map((useResponsesApi) =>
    langchain(
      `Azure at ${endpoint || '(nothing)'}${useResponsesApi ? ', responses' : ''}`,
      paths(
        `${endpoint}/openai/deployments/[^/]+/`,
        `${useResponsesApi ? 'responses' : 'chat/completions'}\\?api-version=${apiVersion}`,
      ),
      ({ url, apiKey, retries }) =>
        new AzureChatOpenAI({
          azureOpenAIApiKey: apiKey,
          azureOpenAIEndpoint: `${url}${endpoint}`,
          azureOpenAIApiDeploymentName: gpt,
          azureOpenAIApiVersion: apiVersion,
          useResponsesApi,
          maxRetries: retries ?? maxRetries,
        }),
    ),
  );
}

/** LangChain's embeddings are a class of their own. */
export function langchainEmbeddings({ url, apiKey }: Place): OpenAIEmbeddings {
  return new OpenAIEmbeddings({ model: embedder, apiKey, configuration: { baseURL: `${url}/v1` } });
}
