import type { AdminClient, ConsoleStatus } from '../admin-client.ts';
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

/** Applies the configuration when it is not the one applied last. Returns the lines that the operator must see. */
export async function applyWhenChanged(
  home: string,
  admin: AdminClient,
  source: ConfigurationSource,
): Promise<string[]> {
  const state = readState(home);
  const lines: string[] = [];
  if (mustApply(source, state.appliedSha256)) {
    const { revision, applied } = await admin.apply(source, { dryRun: false });
    writeState(home, { ...state, appliedSha256: source.sha256 });
    if (applied) lines.push(`Applied ${source.title} as revision ${revision}.`);
  }
  // Also what was applied long ago is said again at every start.
  const { warnings = [] } = await admin.json<ConsoleStatus>('/api/status');
  return [...lines, ...warnings.map((warning) => `Warning: ${warning}`)];
}

/** The key that the first start makes, in plain text. Undefined at later starts. */
export async function firstKey(home: string, admin: AdminClient): Promise<string | undefined> {
  const state = readState(home);
  if (state.firstKeyMade) return undefined;
  const key = await makeFirstKey(admin);
  writeState(home, { ...state, firstKeyMade: true });
  return key;
}
