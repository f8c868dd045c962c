import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export interface ComposeService {
  image: string;
  command?: string[];
  container_name?: string;
  ports?: string[];
  networks: string[];
  volumes?: string[];
  profiles?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  environment?: Record<string, string | number>;
  read_only?: boolean;
}

export interface ComposeFile {
  services: Record<string, ComposeService | undefined>;
  configs: Record<string, { content?: string; file?: string } | undefined>;
  networks: Record<string, { internal?: boolean }>;
}

export const composeText = (): string =>
  readFileSync(path.resolve(import.meta.dirname, '../../docker-compose.yml'), 'utf8');

/** docker-compose.yml as it stands, with its anchors resolved and its variables not. */
export const composeFile = (): ComposeFile => parse(composeText(), { merge: true }) as ComposeFile;
