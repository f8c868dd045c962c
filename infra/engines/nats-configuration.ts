import type { EngineUser, NatsUser } from './types.ts';

/**
 * The text of nats.conf: one account with JetStream, one user a service that may use its own subjects only. The limit of
 * a message stays the server's default (1 MiB): Tollgate's own are far below it.
 */
export function natsConfiguration(
  place: { listen: string; folder: string },
  users: readonly (NatsUser & EngineUser)[],
): string {
  return `listen: ${quote(place.listen)}
server_name: tollgate
jetstream { store_dir: ${quote(`${place.folder}/data`)} }
accounts {
  TOLLGATE {
    jetstream: enabled
    users: [
${users.map(userEntry).join('\n')}
    ]
  }
}
`;
}

function userEntry({ name, password, publish, subscribe }: NatsUser & EngineUser): string {
  return `      {
        user: ${quote(name)}, password: ${quote(password)}
        permissions { publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} } }
      }`;
}

// NATS reads an empty list as no restriction at all, so a user without subjects gets one that nobody uses.
const list = (subjects: readonly string[]) =>
  `[${(subjects.length > 0 ? subjects : ['tg.v1.none']).map(quote).join(', ')}]`;
const quote = (text: string) => JSON.stringify(text);
