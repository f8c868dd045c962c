import type { NatsUser } from './types.ts';

export interface NatsPlace {
  /** host:port */
  listen: string;
  /** Holds `data`, where JetStream keeps its streams. */
  folder: string;
  /** host:port of /healthz and its like. Default: none. */
  monitor?: string;
  /**
   * Every message is on the disk before it is acknowledged: for a server that stands alone on a machine that may lose its
   * power. Else the server writes to the system at once and to the disk every two minutes, which outlives any kill.
   */
  syncAlways?: boolean;
}

export interface NatsConfigurationUser extends NatsUser {
  /** Or the variable of the server's own environment that holds it. */
  password: string | { variable: string };
}

/**
 * The text of nats.conf: one account with JetStream, one user a service that may use its own subjects only. The limit of
 * a message stays the server's default (1 MiB): Tollgate's own are far below it.
 */
export function natsConfiguration(place: NatsPlace, users: readonly NatsConfigurationUser[]): string {
  const jetstream = [
    `store_dir: ${quote(`${place.folder}/data`)}`,
    ...(place.syncAlways ? ['sync_interval: always'] : []),
  ];
  return `listen: ${quote(place.listen)}
${place.monitor ? `http: ${quote(place.monitor)}\n` : ''}server_name: tollgate
jetstream { ${jetstream.join(', ')} }
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

function userEntry({ name, password, publish, subscribe }: NatsConfigurationUser): string {
  const secret = typeof password === 'string' ? quote(password) : `$${password.variable}`;
  return `      {
        user: ${quote(name)}, password: ${secret}
        permissions { publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} } }
      }`;
}

// NATS reads an empty list as no restriction at all, so a user without subjects gets one that nobody uses.
const list = (subjects: readonly string[]) =>
  `[${(subjects.length > 0 ? subjects : ['tg.v1.none']).map(quote).join(', ')}]`;
const quote = (text: string) => JSON.stringify(text);
