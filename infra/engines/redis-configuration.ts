const cacheBytesMax = '256mb';

export interface RedisPlace {
  bind: string;
  port: number;
  folder: string;
  password: string;
}

/**
 * The text of redis.conf. Budgets: on disk every second, and a full memory refuses writes instead of forgetting a limit.
 * The cache: bounded, forgets what is used least, and is written to disk only at an orderly end.
 */
export function redisConfiguration(name: 'redis' | 'cacheRedis', place: RedisPlace): string {
  return `${[
    `bind ${place.bind}`,
    `port ${place.port}`,
    'protected-mode yes',
    `requirepass ${place.password}`,
    `dir ${JSON.stringify(`${place.folder}/data`)}`,
    'daemonize no',
    'save ""',
    // So that a process list tells the installations on one machine apart.
    'proc-title-template "{title} {listen-addr} {config-file}"',
    ...(name === 'redis' ? budgets : cache),
  ].join('\n')}\n`;
}

const budgets = ['appendonly yes', 'appendfsync everysec', 'maxmemory-policy noeviction'];
const cache = [
  'appendonly no',
  'shutdown-on-sigterm save',
  'shutdown-on-sigint save',
  `maxmemory ${cacheBytesMax}`,
  'maxmemory-policy allkeys-lfu',
];
