import { processEngines } from './processes.ts';
import type { EnginesOptions, TestEngines } from './types.ts';

export { startRedisCluster, type TestRedisCluster } from './redis-cluster.ts';
export type { EnginesOptions, TestEngine, TestEngineName, TestEngines, TestNatsEngine } from './types.ts';

/**
 * Starts real engines for a test, each with a port, a folder and credentials of its own: as processes (default), or as
 * containers from the official images with `TOLLGATE_TEST_ENGINES=containers`. Only those named in `only` are started;
 * asking for another one throws. Close it in the test's `after`.
 */
export async function startEngines(options: EnginesOptions = {}): Promise<TestEngines> {
  if (process.env.TOLLGATE_TEST_ENGINES !== 'containers') return processEngines(options);
  // Only here: what speaks to Docker is more code than many a test.
  const { containerEngines } = await import('./containers.ts');
  return containerEngines(options);
}

/** The URL of the ClickHouse that `test/unit.ts` started for all files that stop no engine; undefined in a file that runs alone. */
export const sharedClickHouse = (): string | undefined => process.env.TOLLGATE_TEST_CLICKHOUSE_URL;
