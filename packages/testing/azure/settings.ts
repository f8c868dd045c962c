import { parseArgs } from 'node:util';
import type { DeploymentOptions } from './deployments.ts';
import { CONTENT_FILTER_MODES, type ContentFilterMode } from './filters.ts';
import type { AzureSimulatorOptions } from './options.ts';

const FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  'api-key': { type: 'string' },
  models: { type: 'string' },
  'content-filter': { type: 'string' },
  'first-token-ms': { type: 'string' },
  'tokens-per-second': { type: 'string' },
  'recorded-calls-max': { type: 'string' },
  'zero-delay': { type: 'boolean' },
} as const;

type Flag = keyof typeof FLAGS;

/** `--api-key` is `TOLLGATE_SIM_API_KEY` in the environment; the command line wins. */
export function variableOf(flag: string): string {
  return `TOLLGATE_SIM_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** @throws TypeError that names the flag or variable which is wrong. */
export function settingsFrom(argv: readonly string[], env: Record<string, string | undefined>): AzureSimulatorOptions {
  const { values } = parseArgs({ args: [...argv], options: FLAGS });
  const given = (flag: Flag): string | undefined => {
    const value = values[flag] ?? env[variableOf(flag)];
    return value === undefined || value === '' ? undefined : String(value);
  };
  const figure = (flag: Flag): number | undefined => {
    const value = given(flag);
    if (value === undefined) return undefined;
    if (!/^\d+(\.\d+)?$/.test(value)) throw new TypeError(`--${flag} (${variableOf(flag)}) is no number: ${value}`);
    return Number(value);
  };
  const settings: AzureSimulatorOptions = { zeroDelay: ['true', '1'].includes(given('zero-delay') ?? '') };
  const host = given('host');
  const port = figure('port');
  const apiKey = given('api-key');
  const models = given('models');
  const contentFilter = given('content-filter');
  const firstTokenMs = figure('first-token-ms');
  const tokensPerSecond = figure('tokens-per-second');
  const recordedCallsMax = figure('recorded-calls-max');
  if (host !== undefined) settings.host = host;
  if (port !== undefined) settings.port = port;
  if (apiKey !== undefined) settings.apiKey = apiKey;
  if (models !== undefined) settings.deployments = deploymentsFrom(models);
  if (contentFilter !== undefined) settings.contentFilter = modeFrom(contentFilter);
  if (firstTokenMs !== undefined) settings.firstTokenMs = firstTokenMs;
  if (tokensPerSecond !== undefined) settings.tokensPerSecond = tokensPerSecond;
  if (recordedCallsMax !== undefined) settings.recordedCallsMax = recordedCallsMax;
  return settings;
}

/** `gpt-4o,prod-mini=gpt-4o-mini`: deployments, each with the model behind it where the names differ. */
function deploymentsFrom(models: string): DeploymentOptions[] {
  return models.split(',').map((entry) => {
    const [name = '', model] = entry.trim().split('=');
    return model === undefined ? { name } : { name, model };
  });
}

function modeFrom(text: string): ContentFilterMode {
  const mode = CONTENT_FILTER_MODES.find((known) => known === text);
  if (!mode) throw new TypeError(`--content-filter is one of ${CONTENT_FILTER_MODES.join(', ')}, not ${text}`);
  return mode;
}
