import { containerEngines } from './containers.ts';
import { processEngines } from './processes.ts';
import type { EnginesOptions, TestEngines } from './types.ts';

export { startRedisCluster, type TestRedisCluster } from './redis-cluster.ts';
export type { EnginesOptions, TestEngine, TestEngineName, TestEngines, TestNatsEngine } from './types.ts';

/**
 * Starts real engines for a test, each with a port, a folder and credentials of its own: as processes (default), or as
 * containers from the official images with `TOLLGATE_TEST_ENGINES=containers`. Only those named in `only` are started;
 * asking for another one throws. Close it in the test's `after`.
 */
export function startEngines(options: EnginesOptions = {}): Promise<TestEngines> {
  return process.env.TOLLGATE_TEST_ENGINES === 'containers' ? containerEngines(options) : processEngines(options);
}
