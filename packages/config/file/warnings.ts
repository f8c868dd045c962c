import { isLoopback } from '../env/derived.ts';
import type { Provider } from '../model/snapshot.ts';

/** What is allowed and still worth a line at each start. */
export function warningsOf(providers: readonly Provider[]): string[] {
  return providers
    .filter(({ endpoint }) => endpoint.startsWith('http://') && !isLoopback(new URL(endpoint).hostname))
    .map(
      ({ name, endpoint }) =>
        `Provider ${name} is called over plain http (${endpoint}): prompts, answers and the credential can be read on the way.`,
    );
}
