import type { Credentials } from './http/auth.ts';

export interface Config {
  /** Folder of the tables, made when missing. One process owns it. */
  dataFolder: string;
  host: string;
  /** 0 = a free one. */
  port: number;
  credentials: Credentials;
  /** Folder whose node_modules holds chdb. */
  chdbFolder: string;
}

/** @throws one error that names everything that is missing or wrong */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const needed = (name: string, what: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') faults.push(`${name} is not set: ${what}`);
    return value ?? '';
  };
  const portText = environment.TOLLGATE_CLICKHOUSE_DEV_PORT ?? '0';
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) {
    faults.push(`TOLLGATE_CLICKHOUSE_DEV_PORT is '${portText}': use a port, or 0 for a free one`);
  }
  const config: Config = {
    dataFolder: needed('TOLLGATE_CLICKHOUSE_DEV_DATA', 'the folder of the tables'),
    host: environment.TOLLGATE_CLICKHOUSE_DEV_HOST ?? '127.0.0.1',
    port,
    credentials: {
      user: environment.TOLLGATE_CLICKHOUSE_DEV_USER ?? 'default',
      password: environment.TOLLGATE_CLICKHOUSE_DEV_PASSWORD ?? '',
    },
    chdbFolder: needed('TOLLGATE_CHDB_PATH', 'the folder whose node_modules holds chdb'),
  };
  if (faults.length > 0) throw new Error(`The development face of ClickHouse cannot start:\n- ${faults.join('\n- ')}`);
  return config;
}
