import {
  booleanVariable,
  type Environment,
  integerVariable,
  natsEnv,
  portVariable,
  readEnvironment,
  replicaEnv,
  z,
} from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      /** HTTP port; 0 = any free one. */
      TOLLGATE_PORT: portVariable(8080),
      /** HTTPS port; served only with a certificate and its key. */
      TOLLGATE_TLS_PORT: portVariable(8443),
      /** Other replicas on this machine listen on the same ports (SO_REUSEPORT). */
      TOLLGATE_REUSE_PORT: booleanVariable(false),
      TOLLGATE_TLS_CERT_FILE: z.string().optional(),
      TOLLGATE_TLS_KEY_FILE: z.string().optional(),
      /** Largest request body, bytes; beyond it 413. */
      TOLLGATE_BODY_BYTES_MAX: integerVariable({ min: 1024, max: 64 * 1024 * 1024, default: 16 * 1024 * 1024 }),
      /** A request must have arrived whole within this time, milliseconds; else 408. */
      TOLLGATE_REQUEST_TIMEOUT_MS: integerVariable({ min: 100, max: 600_000, default: 60_000 }),
    },
    environment,
  );
