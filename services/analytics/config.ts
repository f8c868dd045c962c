import { clickhouseEnv, type Environment, integerVariable, natsEnv, readEnvironment } from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...natsEnv,
      ...clickhouseEnv,
      /** Messages of USAGE written at once, at most; twice as many are held in memory. */
      TOLLGATE_ANALYTICS_BATCH_MAX: integerVariable({ min: 1, max: 5000, default: 500 }),
      /** Pause between two batches that are not full, so that a quiet hour makes few parts; rows are seen so much later at most. */
      TOLLGATE_ANALYTICS_PAUSE_MS: integerVariable({ min: 0, max: 10_000, default: 1000 }),
      /** How often the rollups of touched hours are made anew. */
      TOLLGATE_ANALYTICS_ROLLUP_MS: integerVariable({ min: 100, max: 3_600_000, default: 30_000 }),
      /** How often JetStream, ClickHouse and Redis are compared, by whichever replica. */
      TOLLGATE_ANALYTICS_RECONCILE_MS: integerVariable({ min: 1000, max: 86_400_000, default: 300_000 }),
    },
    environment,
  );
