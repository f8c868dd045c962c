import { Surface, type Target } from '@tollgate/contracts';
import { providerByName } from './lookup.ts';
import type { ConfigSnapshot, Provider } from './snapshot.ts';

const openai: ReadonlySet<Surface> = new Set([Surface.CHAT_COMPLETIONS, Surface.RESPONSES, Surface.EMBEDDINGS]);

/** What each type of provider answers. */
const surfaces: Readonly<Record<Provider['type'], ReadonlySet<Surface>>> = {
  'azure-openai': openai,
  openai,
  // Chat and responses by translation (services/upstream/providers/anthropic/translate).
  anthropic: new Set([Surface.MESSAGES, Surface.COUNT_TOKENS, Surface.CHAT_COMPLETIONS, Surface.RESPONSES]),
};

/** Nothing is asked of a model there, or it is not known what. */
const ofNoModel: ReadonlySet<Surface> = new Set([Surface.UNSPECIFIED, Surface.MODELS, Surface.STORED_RESPONSES]);

/** Whether the target's provider answers what is asked on this surface. */
export function servesSurface(
  snapshot: ConfigSnapshot,
  { provider }: Pick<Target, 'provider'>,
  surface: Surface,
): boolean {
  if (ofNoModel.has(surface)) return true;
  const type = providerByName(snapshot, provider)?.type;
  return type !== undefined && surfaces[type].has(surface);
}
