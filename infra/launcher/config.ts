import path from 'node:path';
import { portVariable, readEnvironment, z } from '@tollgate/config';
import { groupsOf, togetherRule } from './together/groups.ts';

/** What `npm start` and the command line read from the environment; the README has the table. */
export function readConfig(environment?: NodeJS.ProcessEnv) {
  const env = readEnvironment(
    {
      /** State of this installation: engines' data, credentials, logs. */
      TOLLGATE_HOME: z.string().default('.tollgate'),
      /** Address that the gateway and the console listen on; everything else stays on 127.0.0.1. */
      TOLLGATE_HOST: z.string().default('127.0.0.1'),
      TOLLGATE_PORT: portVariable(8080),
      TOLLGATE_TLS_PORT: portVariable(8443),
      TOLLGATE_CONSOLE_PORT: portVariable(8081),
      TOLLGATE_TLS_CERT_FILE: z.string().optional(),
      TOLLGATE_TLS_KEY_FILE: z.string().optional(),
      TOLLGATE_CONFIG: z.string().optional(),
      /** Services that share a process: `all`, or groups like `ingress+pipeline guard-auth+guard-router`. */
      TOLLGATE_TOGETHER: z
        .string()
        .default('')
        .transform((text, context) => {
          const groups = groupsOf(text);
          if (!groups) context.addIssue(togetherRule);
          return groups ?? z.NEVER;
        }),
      TOLLGATE_ADMIN_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
      TOLLGATE_RESPONSE_ID_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
      /** A console elsewhere, for the command line. */
      TOLLGATE_CONSOLE_URL: z.string().optional(),
      TOLLGATE_CLICKHOUSE_URL: z.string().optional(),
      AZURE_OPENAI_ENDPOINT: z.string().optional(),
      AZURE_OPENAI_API_KEY: z.string().optional(),
      AZURE_OPENAI_API_VERSION: z.string().optional(),
    },
    environment,
  );
  if ((env.TOLLGATE_TLS_CERT_FILE === undefined) !== (env.TOLLGATE_TLS_KEY_FILE === undefined))
    throw new Error('TOLLGATE_TLS_CERT_FILE and TOLLGATE_TLS_KEY_FILE are given together or not at all.');
  return {
    home: path.resolve(env.TOLLGATE_HOME),
    host: env.TOLLGATE_HOST,
    port: env.TOLLGATE_PORT,
    tlsPort: env.TOLLGATE_TLS_PORT,
    consolePort: env.TOLLGATE_CONSOLE_PORT,
    certificate:
      env.TOLLGATE_TLS_CERT_FILE && env.TOLLGATE_TLS_KEY_FILE
        ? { certFile: path.resolve(env.TOLLGATE_TLS_CERT_FILE), keyFile: path.resolve(env.TOLLGATE_TLS_KEY_FILE) }
        : undefined,
    configFile: env.TOLLGATE_CONFIG ? path.resolve(env.TOLLGATE_CONFIG) : undefined,
    together: env.TOLLGATE_TOGETHER,
    adminToken: env.TOLLGATE_ADMIN_TOKEN,
    responseIdKey: env.TOLLGATE_RESPONSE_ID_KEY,
    consoleUrl: env.TOLLGATE_CONSOLE_URL,
    clickhouseUrl: env.TOLLGATE_CLICKHOUSE_URL,
    azure:
      env.AZURE_OPENAI_ENDPOINT && env.AZURE_OPENAI_API_KEY
        ? { endpoint: env.AZURE_OPENAI_ENDPOINT, apiVersion: env.AZURE_OPENAI_API_VERSION }
        : undefined,
  };
}

export type LauncherConfig = ReturnType<typeof readConfig>;
