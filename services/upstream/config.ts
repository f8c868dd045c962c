import {
  type Environment,
  healthEnv,
  integerVariable,
  natsEnv,
  readEnvironment,
  replicaEnv,
  responseIdsEnv,
  z,
} from '@tollgate/config';

const providerNames = z
  .string()
  .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be names of providers with commas between them')
  .transform((value) => value.split(','))
  .optional();

const url = z.string().optional();
const milliseconds = (msDefault: number, max = 3_600_000) => integerVariable({ min: 1, max, default: msDefault });

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      ...healthEnv,
      ...responseIdsEnv,
      /** Providers that this replica calls; default: all that are configured. */
      TOLLGATE_UPSTREAM_PROVIDERS: providerNames,
      /** Requests owned at once; beyond it the replica takes nothing and another one is asked. */
      TOLLGATE_UPSTREAM_RUNS_MAX: integerVariable({ min: 1, max: 100_000, default: 2000 }),
      /** Bodies of all owned requests together, bytes. */
      TOLLGATE_UPSTREAM_BODY_BYTES_MAX: integerVariable({ min: 1 << 20, max: 2 ** 34, default: 512 * 1024 * 1024 }),
      /** A JSON answer, or one event of a stream, bytes; a larger one is an error of the provider. */
      TOLLGATE_UPSTREAM_ANSWER_BYTES_MAX: integerVariable({ min: 1024, max: 2 ** 30, default: 64 * 1024 * 1024 }),
      /** Open connections to each model of a provider. */
      TOLLGATE_UPSTREAM_CONNECTIONS_MAX: integerVariable({ min: 1, max: 100_000, default: 2000 }),
      /** TCP and TLS together. */
      TOLLGATE_UPSTREAM_CONNECT_TIMEOUT_MS: milliseconds(5000),
      /** From the request's arrival to its first content, all attempts together; a JSON answer also has its deadline. */
      TOLLGATE_UPSTREAM_FIRST_CONTENT_TIMEOUT_MS: milliseconds(280_000),
      /** Silence of the provider inside a stream, after its first content. */
      TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS: milliseconds(120_000),
      /** Requests in the background that this replica runs at once; 0: none. */
      TOLLGATE_BACKGROUND_RUNS_MAX: integerVariable({ min: 0, max: 10_000, default: 16 }),
      /** From the admission of a request in the background to its end, waiting included. */
      TOLLGATE_BACKGROUND_DEADLINE_MS: milliseconds(3_600_000, 86_400_000),
      /** As curl and the AWS tools read them: which proxy for which scheme, and which hosts go without. */
      HTTPS_PROXY: url,
      https_proxy: url,
      HTTP_PROXY: url,
      http_proxy: url,
      NO_PROXY: z.string().optional(),
      no_proxy: z.string().optional(),
    },
    environment,
  );

export type UpstreamConfig = ReturnType<typeof readConfig>;
