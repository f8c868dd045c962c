import { type Environment, integerVariable, natsEnv, readEnvironment, replicaEnv } from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      /** Requests between acceptance and dispatch at once; beyond it 503. */
      TOLLGATE_PIPELINE_RUNS_MAX: integerVariable({ min: 1, max: 100_000, default: 4000 }),
    },
    environment,
  );
