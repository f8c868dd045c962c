import type { Provider } from '@tollgate/config';
import { anthropicWire } from './anthropic/wire.ts';
import { openaiWire } from './openai-wire/wire.ts';
import type { ProviderWire } from './wire.ts';

/** One line a type of provider. */
const wires: Record<Provider['type'], (provider: Provider) => ProviderWire> = {
  'azure-openai': openaiWire,
  openai: openaiWire,
  anthropic: anthropicWire,
};

export function wireOf(provider: Provider): ProviderWire {
  return wires[provider.type](provider);
}

export { TranslatedReader } from './translated-reader.ts';
export type { ProviderWire, Translation } from './wire.ts';
