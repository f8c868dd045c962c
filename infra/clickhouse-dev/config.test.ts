import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readConfig } from './config.ts';

it('reads the environment and fills what may be left out', () => {
  const config = readConfig({ TOLLGATE_CLICKHOUSE_DEV_DATA: '/data', TOLLGATE_CHDB_PATH: '/chdb' });
  assert.deepEqual(config, {
    dataFolder: '/data',
    host: '127.0.0.1',
    port: 0,
    credentials: { user: 'default', password: '' },
    chdbFolder: '/chdb',
  });
});

it('reports all faults together', () => {
  assert.throws(
    () => readConfig({ TOLLGATE_CLICKHOUSE_DEV_PORT: '70000' }),
    /TOLLGATE_CLICKHOUSE_DEV_DATA.*TOLLGATE_CLICKHOUSE_DEV_PORT.*TOLLGATE_CHDB_PATH/s,
  );
});
