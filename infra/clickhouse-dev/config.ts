import { portVariable, readEnvironment, z } from '@tollgate/config';
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

/** @throws EnvironmentError that names everything that is missing or wrong */
export function readConfig(environment?: Readonly<Record<string, string | undefined>>): Config {
  const env = readEnvironment(
    {
      TOLLGATE_CLICKHOUSE_DEV_DATA: z.string({ error: 'must be set: the folder of the tables' }),
      TOLLGATE_CLICKHOUSE_DEV_HOST: z.string().default('127.0.0.1'),
      TOLLGATE_CLICKHOUSE_DEV_PORT: portVariable(0),
      TOLLGATE_CLICKHOUSE_DEV_USER: z.string().default('default'),
      TOLLGATE_CLICKHOUSE_DEV_PASSWORD: z.string().default(''),
      TOLLGATE_CHDB_PATH: z.string({ error: 'must be set: the folder whose node_modules holds chdb' }),
    },
    environment,
  );
  return {
    dataFolder: env.TOLLGATE_CLICKHOUSE_DEV_DATA,
    host: env.TOLLGATE_CLICKHOUSE_DEV_HOST,
    port: env.TOLLGATE_CLICKHOUSE_DEV_PORT,
    credentials: { user: env.TOLLGATE_CLICKHOUSE_DEV_USER, password: env.TOLLGATE_CLICKHOUSE_DEV_PASSWORD },
    chdbFolder: env.TOLLGATE_CHDB_PATH,
  };
}
