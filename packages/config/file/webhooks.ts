import type { Webhook } from '../model/snapshot.ts';
import type { ConfigFile, FileWebhook } from './config-file.ts';
import type { Path } from './fault.ts';
import { ascending } from './thresholds.ts';

interface PlacedWebhook {
  path: Path;
  scope: Webhook['scope'];
  scopeId: string;
  webhook: FileWebhook;
}

/** Every webhook of a file, with the scope that it stands in: the organization's first. */
export function placedWebhooks(file: ConfigFile): PlacedWebhook[] {
  const placed: PlacedWebhook[] = [];
  const place = (
    at: Path,
    scope: Webhook['scope'],
    scopeId: string,
    { notifications }: Pick<ConfigFile, 'notifications'>,
  ) => {
    for (const [index, webhook] of (notifications?.webhooks ?? []).entries()) {
      placed.push({ path: [...at, 'notifications', 'webhooks', index], scope, scopeId, webhook });
    }
  };
  place([], 'organization', file.organization, file);
  for (const [projectAt, project] of file.projects.entries()) {
    const path = ['projects', projectAt];
    place(path, 'project', project.name, project);
    for (const [at, team] of project.teams.entries()) {
      place([...path, 'teams', at], 'team', `${project.name}.${team.name}`, team);
    }
  }
  return placed;
}

export function toWebhook({ scope, scopeId, webhook }: PlacedWebhook): Webhook {
  const { name, url, format, secret, thresholds, refusals, insecure } = webhook;
  return {
    ...{ name, scope, scopeId, format, refusals, insecure },
    url: typeof url === 'string' ? url : toReference(url),
    ...(secret && { secret: toReference(secret) }),
    ...(thresholds && { thresholds: ascending(thresholds) }),
  };
}

function toReference({ env, file = '' }: NonNullable<FileWebhook['secret']>): NonNullable<Webhook['secret']> {
  return env === undefined ? { file } : { env };
}
