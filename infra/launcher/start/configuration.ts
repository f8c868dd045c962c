import type { AdminClient } from '../admin-client.ts';
import type { LauncherConfig } from '../config.ts';
import { type ConfigurationSource, configurationFile, demoConfiguration, mustApply } from '../configuration/source.ts';
import { makeFirstKey } from './first-key.ts';
import { readState, writeState } from './kept-state.ts';

export interface StartConfiguration {
  source: ConfigurationSource;
  /** Of the built-in demo: the model that the curl line names. A file's rotation picks one. */
  model: string | undefined;
}

/** TOLLGATE_CONFIG's file, or the demo with the real Azure OpenAI or the simulator. */
export function startConfiguration(config: LauncherConfig, simulatorUrl: string | undefined): StartConfiguration {
  if (config.configFile) return { source: configurationFile(config.configFile), model: undefined };
  const endpoint = config.azure?.endpoint ?? simulatorUrl;
  if (!endpoint) throw new TypeError('the demo needs an endpoint');
  return { source: demoConfiguration({ endpoint, apiVersion: config.azure?.apiVersion }), model: 'gpt-4o' };
}

/** Applies the configuration when it is not the one applied last. Returns the revision where it did. */
export async function applyWhenChanged(home: string, admin: AdminClient, source: ConfigurationSource) {
  const state = readState(home);
  if (!mustApply(source, state.appliedSha256)) return undefined;
  const { revision } = await admin.apply(source.text, { dryRun: false });
  writeState(home, { ...state, appliedSha256: source.sha256 });
  return revision;
}

/** The key that the first start makes, in plain text. Undefined at later starts. */
export async function firstKey(home: string, admin: AdminClient): Promise<string | undefined> {
  const state = readState(home);
  if (state.firstKeyMade) return undefined;
  const key = await makeFirstKey(admin);
  writeState(home, { ...state, firstKeyMade: true });
  return key;
}
