import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The configuration of this start, and where it is from. */
export interface ConfigurationSource {
  text: string;
  title: string;
  sha256: string;
}

export function configurationFile(file: string): ConfigurationSource {
  try {
    return withHash(readFileSync(file, 'utf8'), file);
  } catch (error) {
    throw new Error(`TOLLGATE_CONFIG: ${file} cannot be read: ${(error as Error).message}`);
  }
}

export interface DemoProvider {
  endpoint: string;
  apiVersion?: string;
}

/** The built-in demo with this provider put in. */
export function demoConfiguration(provider: DemoProvider): ConfigurationSource {
  const template = readFileSync(new URL('./demo.yaml', import.meta.url), 'utf8');
  const text = template
    .replace('ENDPOINT', () => JSON.stringify(provider.endpoint))
    .replace('API_VERSION', () => JSON.stringify(provider.apiVersion ?? '2025-04-01-preview'));
  return withHash(text, 'the built-in demo');
}

/**
 * Whether a start applies its configuration: only when it is not the one that was applied last, so that a restart never
 * undoes what was edited in the console since.
 */
export function mustApply(source: ConfigurationSource, appliedSha256: string | undefined): boolean {
  return source.sha256 !== appliedSha256;
}

const withHash = (text: string, title: string): ConfigurationSource => ({
  text,
  title,
  sha256: createHash('sha256').update(text).digest('hex'),
});
