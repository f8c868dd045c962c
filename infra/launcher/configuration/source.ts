import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ConfigurationText, withFiles } from './read.ts';

/** The configuration of this start, and where it is from. */
export interface ConfigurationSource extends ConfigurationText {
  title: string;
  sha256: string;
}

export function configurationFile(file: string): ConfigurationSource {
  return withHash(withFiles(readText(file), path.dirname(file)), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
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
  return withHash({ text, files: {} }, 'the built-in demo');
}

/**
 * Whether a start applies its configuration: only when it is not the one that was applied last, so that a restart never
 * undoes what was edited in the console since.
 */
export function mustApply(source: ConfigurationSource, appliedSha256: string | undefined): boolean {
  return source.sha256 !== appliedSha256;
}

/** Of the configuration and its files: new prices are another configuration. */
function withHash({ text, files }: ConfigurationText, title: string): ConfigurationSource {
  const hash = createHash('sha256').update(text);
  for (const [name, content] of Object.entries(files)) hash.update(`\0${name}\0${content}`);
  return { text, files, title, sha256: hash.digest('hex') };
}
