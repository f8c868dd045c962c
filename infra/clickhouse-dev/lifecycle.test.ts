import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { forkFace, PASSWORD, startFace, stderrOf, withoutEngine } from './testing/face.ts';

const limit = { timeout: 30_000 };

describe('the process', { skip: withoutEngine }, () => {
  it('finishes what runs on SIGTERM, refuses what is new, ends with 0', limit, async (t) => {
    const face = await startFace();
    t.after(() => face.stop());
    const client = face.client();
    await client.command({ query: 'CREATE TABLE default.t (a UInt8) ENGINE = MergeTree ORDER BY a' });
    const running = client.command({ query: 'INSERT INTO default.t SELECT sleepEachRow(0.3) FROM numbers(5)' });
    const seen = 'SELECT count() AS n FROM system.processes WHERE query_kind = {kind:String}';
    for (let n = 0; n === 0; ) {
      const answer = await client.query({ query: seen, query_params: { kind: 'Insert' }, format: 'JSONEachRow' });
      n = (await answer.json<{ n: number }>())[0]?.n ?? 0;
    }
    const ended = once(face.child, 'exit');
    face.child.kill('SIGTERM');
    await running;
    assert.deepEqual(await ended, [0, null]);
    const again = await startFace(face.dataFolder);
    t.after(() => again.stop());
    const rows = await again.client().query({ query: 'SELECT count() AS n FROM default.t', format: 'JSONEachRow' });
    assert.deepEqual(await rows.json(), [{ n: 5 }]);
  });

  it('cancels a read that outlasts the time for stopping', limit, async (t) => {
    const face = await startFace();
    t.after(() => face.stop());
    // A row a second: nothing for the processor.
    const endless = 'SELECT sum(sleepEachRow(1)) FROM numbers(1000000) SETTINGS max_block_size = 1';
    const running = face.request('/', { method: 'POST', body: endless });
    await face.request('/?query=SELECT+1');
    const ended = once(face.child, 'exit');
    face.child.kill('SIGTERM');
    assert.equal((await running).status, 503);
    assert.deepEqual(await ended, [0, null]);
  });

  it('keeps every acknowledged batch through SIGKILL', limit, async (t) => {
    const face = await startFace();
    t.after(() => face.stop());
    const client = face.client();
    const table = 'CREATE TABLE default.t (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert = 1';
    await client.command({ query: table });
    let acknowledged = 0;
    const write = async () => {
      for (;;) {
        await client.insert({ table: 'default.t', values: [{ a: acknowledged }], format: 'JSONEachRow' });
        acknowledged++;
        if (acknowledged === 20) face.child.kill('SIGKILL');
      }
    };
    await assert.rejects(write());
    const again = await startFace(face.dataFolder);
    t.after(() => again.stop());
    const answer = await again.client().query({ query: 'SELECT count() AS n FROM default.t', format: 'JSONEachRow' });
    const [row] = await answer.json<{ n: number }>();
    assert.ok((row?.n ?? 0) >= acknowledged, `${row?.n} of ${acknowledged}`);
  });

  it(
    'refuses a second process its folder and its port, and ends when the process that started it is gone',
    limit,
    async (t) => {
      const face = await startFace();
      t.after(() => face.stop());
      const { dataFolder } = face;
      const sameFolder = forkFace({ TOLLGATE_CLICKHOUSE_DEV_DATA: dataFolder });
      assert.deepEqual(await once(sameFolder, 'close'), [1, null]);
      assert.match(stderrOf(sameFolder), new RegExp(`belongs to process ${face.child.pid}, which is running`));

      const port = new URL(face.address).port;
      const other = `${dataFolder}-other`;
      const samePort = forkFace({ TOLLGATE_CLICKHOUSE_DEV_DATA: other, TOLLGATE_CLICKHOUSE_DEV_PORT: port });
      assert.deepEqual(await once(samePort, 'close'), [1, null]);
      assert.match(stderrOf(samePort), new RegExp(`:${port}: the port is taken; TOLLGATE_CLICKHOUSE_DEV_PORT`));
      await (await startFace(other)).stop();

      const ended = once(face.child, 'exit');
      face.child.disconnect();
      assert.deepEqual(await ended, [0, null]);
    },
  );

  it('takes the engine that is configured and no other', limit, async () => {
    const child = forkFace({ TOLLGATE_CLICKHOUSE_DEV_DATA: '/nonexistent/data', TOLLGATE_CHDB_PATH: '/nonexistent' });
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.match(stderrOf(child), /npm install --prefix \/nonexistent chdb@3\.4\.0/);
    assert.equal(stderrOf(child).includes(PASSWORD), false);
  });
});
