import { ai3, ai4, ai300, aiAzureForms, aiOpenAiForms } from './ai-sdk.ts';
import { anthropicForms } from './anthropic.ts';
import { type Client, context } from './client.ts';
import { langchainAzureForms, langchainOpenAiForms } from './langchain.ts';
import { azureForms, majors, openAiBases, openAiForms } from './openai.ts';

/** All clients in every form of base URL that they are used with. Anthropic's are at the context that `install` gives them. */
const everyClient: readonly Client[] = [
  ...majors.flatMap((major) => openAiBases.flatMap((base) => openAiForms(major, base))),
  ...majors.flatMap((major) => ['', `/${context}`].flatMap((endpoint) => azureForms(major, endpoint))),
  ...[ai4, ai3].flatMap((major) =>
    ['/v1', '/openai/v1', `/${context}/v1`].flatMap((base) => aiOpenAiForms(major, base)),
  ),
  ...[ai4, ai3, ai300].flatMap((major) => ['', `/${context}`].flatMap((endpoint) => aiAzureForms(major, endpoint))),
  ...['/v1', '/openai/v1', `/${context}/v1`, `/${context}/openai/v1`].flatMap((base) => langchainOpenAiForms(base)),
  ...['', '/', `/${context}`, `/${context}/`].flatMap((endpoint) => langchainAzureForms(endpoint)),
  ...['/claude', '/claude/openai'].flatMap((base) => anthropicForms(base)),
];

const often = new Set([
  'openai 7, OpenAI at /v1',
  `openai 7, OpenAI at /${context}/openai/v1, responses`,
  'openai 7, AzureOpenAI at /',
  'openai 6, OpenAI at /v1',
  'openai 6, AzureOpenAI at /, responses',
  'AI SDK 4, OpenAI at /v1, chat',
  'AI SDK 4, OpenAI at /v1, responses',
  'AI SDK 4, Azure at /openai, responses',
  'AI SDK 4, Azure with deployments at /openai, chat',
  'AI SDK 3, OpenAI at /v1, responses',
  'AI SDK 3, Azure at /openai, chat',
  'AI SDK 3.0.0, Azure at /openai, responses',
  'LangChain, OpenAI at /v1',
  'LangChain, OpenAI at /v1, responses',
  'LangChain, Azure at /',
  'Anthropic, x-api-key at /claude',
]);

/** One of each kind, for every run. */
export const clients: readonly Client[] = everyClient.filter(({ name }) => often.has(name));
/** The others, which take longer. */
export const furtherClients: readonly Client[] = everyClient.filter(({ name }) => !often.has(name));
