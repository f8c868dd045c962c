import type { ContentFilterMode } from './filters.ts';

/** What a deployment can do: an operation that does not fit is refused as Azure does. */
type DeploymentTask = 'chat' | 'embeddings';

export interface DeploymentOptions {
  /** The name in the path, or in the body's `model`. */
  name: string;
  /** What answers call themselves; default: the dated version of `name`, or `name` where none is known. */
  model?: string;
  task?: DeploymentTask;
  /** Default: the simulator's mode. */
  contentFilter?: ContentFilterMode;
  /** Enforced when given; without it 100,000 is shown in the headers and nothing is refused. */
  requestsPerMinute?: number;
  /** Enforced when given; without it 10,000,000 is shown in the headers and nothing is refused. */
  tokensPerMinute?: number;
}

export interface Deployment {
  name: string;
  /** The dated version, as in `gpt-4o-2024-11-20`. */
  model: string;
  /** The undated name, which Azure's messages use. */
  baseModel: string;
  task: DeploymentTask;
  contentFilter: ContentFilterMode | undefined;
  requestsPerMinute: number | undefined;
  tokensPerMinute: number | undefined;
}

const VERSIONS: Record<string, string> = {
  'gpt-4o': 'gpt-4o-2024-11-20',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-4.1': 'gpt-4.1-2025-04-14',
  'gpt-4.1-mini': 'gpt-4.1-mini-2025-04-14',
};

export const DEFAULT_DEPLOYMENTS: readonly DeploymentOptions[] = [
  { name: 'gpt-4o' },
  { name: 'gpt-4o-mini' },
  { name: 'text-embedding-3-small' },
];

/** @throws TypeError when a name is empty or given twice. */
export function resolveDeployments(options: readonly DeploymentOptions[]): Map<string, Deployment> {
  const deployments = new Map<string, Deployment>();
  for (const option of options) {
    if (option.name === '') throw new TypeError('A deployment of the simulator needs a name');
    if (deployments.has(option.name)) throw new TypeError(`The deployment ${option.name} is given twice`);
    const model = option.model ?? VERSIONS[option.name] ?? option.name;
    deployments.set(option.name, {
      name: option.name,
      model: VERSIONS[model] ?? model,
      baseModel: model.replace(/-\d{4}-\d{2}-\d{2}$/, ''),
      task: option.task ?? (model.includes('embedding') ? 'embeddings' : 'chat'),
      contentFilter: option.contentFilter,
      requestsPerMinute: option.requestsPerMinute,
      tokensPerMinute: option.tokensPerMinute,
    });
  }
  return deployments;
}
