import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ClickHouseClient, ClickHouseError, type ClickHouseSettings } from '@clickhouse/client';
import { type Face, PASSWORD, startFace, withoutEngine } from './testing/face.ts';

describe('what @clickhouse/client asks of ClickHouse', { skip: withoutEngine }, () => {
  let face: Face;
  let client: ClickHouseClient;

  before(async () => {
    face = await startFace();
    client = face.client();
    await client.command({ query: 'CREATE DATABASE d ENGINE = Atomic' });
    await client.command({
      query: 'CREATE TABLE d.t (a Int64, b String, m Map(String, UInt32)) ENGINE = MergeTree ORDER BY a',
    });
  });
  after(() => face?.stop());

  const rows = async (query: string, more: object = {}) =>
    (await client.query({ query, format: 'JSONEachRow', ...more })).json<Record<string, unknown>>();

  it('answers ping with and without a query', async () => {
    assert.deepEqual(await client.ping(), { success: true });
    assert.deepEqual(await client.ping({ select: true }), { success: true });
  });

  it('gives every format that was asked for', async () => {
    const query = "SELECT number AS n, 'é\\'\"' AS s FROM numbers(2)";
    assert.equal((await rows(query)).length, 2);
    const json = await (await client.query({ query, format: 'JSON' })).json<{ n: number }>();
    assert.deepEqual([json.rows, json.data[1]?.n], [2, 1]);
    const csv = await (await client.query({ query, format: 'CSVWithNames' })).text();
    assert.equal(csv, '"n","s"\n0,"é\'"""\n1,"é\'"""\n');
    const plain = await face.request('/', { method: 'POST', body: query });
    assert.equal(await plain.text(), '0\té\\\'"\n1\té\\\'"\n');
    assert.equal(plain.headers.get('x-clickhouse-format'), 'TabSeparated');
    const stream = (await client.query({ query, format: 'JSONEachRow' })).stream();
    let streamed = 0;
    for await (const chunk of stream) streamed += chunk.length;
    assert.equal(streamed, 2);
  });

  it('binds parameters of every type and never as text of the statement', async () => {
    const nasty = "'; DROP TABLE d.t -- \\ \n\t {y:String} \u{1F600}";
    const [row] = await rows(
      'SELECT {s:String} AS s, {n:Nullable(Int8)} AS n, {a:Array(String)} AS a, {m:Map(String, UInt8)} AS m, {f:Float64} AS f, {d:DateTime64(3)} AS d FROM {t:Identifier}.one',
      {
        query_params: {
          s: nasty,
          n: null,
          a: ["x'y", 'z\\'],
          m: new Map([["k'", 7]]),
          f: 1.5,
          d: new Date(1_700_000_000_123),
          t: 'system',
        },
      },
    );
    assert.deepEqual(row, {
      s: nasty,
      n: null,
      a: ["x'y", 'z\\'],
      m: { "k'": 7 },
      f: 1.5,
      d: '2023-11-14 22:13:20.123',
    });
  });

  it('inserts rows from arrays, streams and compressed bodies', async () => {
    const values = [
      { a: '9007199254740993', b: 'x;\ny', m: { k: 1 } },
      { a: 2, b: '', m: {} },
    ];
    const result = await client.insert({ table: 'd.t', values, format: 'JSONEachRow', columns: ['a', 'b', 'm'] });
    assert.equal(result.summary?.written_rows, '2');
    await client.insert({ table: 'd.t', values: Readable.from([{ a: 3, b: 'stream' }]), format: 'JSONEachRow' });
    await client.insert({ table: 'd.t', values: [], format: 'JSONEachRow' });
    const packed = face.client({ compression: { request: true } });
    await packed.insert({ table: 'd.t', values: [[4, 'packed', {}]], format: 'JSONCompactEachRow' });
    await face.request(`/?query=${encodeURIComponent('INSERT INTO d.t (a, b) FORMAT CSV')}`, {
      method: 'POST',
      body: gzipSync('5,"c,v"\n'),
      headers: { 'Content-Encoding': 'gzip' },
    });
    assert.deepEqual(await rows('SELECT toString(a) AS a, b FROM d.t ORDER BY d.t.a'), [
      { a: '2', b: '' },
      { a: '3', b: 'stream' },
      { a: '4', b: 'packed' },
      { a: '5', b: 'c,v' },
      { a: '9007199254740993', b: 'x;\ny' },
    ]);
  });

  it('takes an INSERT without rows as done', async () => {
    const url = `/?query=${encodeURIComponent('INSERT INTO d.t FORMAT JSONEachRow')}`;
    const response = await face.request(url, { method: 'POST', body: '' });
    assert.equal(response.status, 200);
  });

  it('inserts nothing of a batch with a broken row', async () => {
    const before = await rows('SELECT count() AS n FROM d.t');
    const values = [{ a: 100, b: 'good' }, { a: 'no number' }];
    await assert.rejects(client.insert({ table: 'd.t', values, format: 'JSONEachRow' }), ClickHouseError);
    assert.deepEqual(await rows('SELECT count() AS n FROM d.t'), before);
  });

  it('keeps settings and parameters of requests apart', async () => {
    const one = async (i: number) => {
      const [row] = await rows("SELECT getSetting('max_threads') AS t, {x:String} AS x, sleep(0.002) AS s", {
        query_params: { x: `v${i}` },
        clickhouse_settings: { max_threads: i },
      });
      return [row?.t, row?.x];
    };
    const numbers = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.deepEqual(
      await Promise.all(numbers.map(one)),
      numbers.map((i) => [i, `v${i}`]),
    );
    await assert.rejects(rows('SELECT {x:String}'), { code: '456', type: 'UNKNOWN_QUERY_PARAMETER' });
    await client.command({
      query:
        'CREATE TABLE d.dedup (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10',
    });
    const insert = (clickhouse_settings: ClickHouseSettings) =>
      client.insert({ table: 'd.dedup', values: [{ a: 1 }], format: 'JSONEachRow', clickhouse_settings });
    await insert({ insert_deduplication_token: 'same' });
    await insert({ insert_deduplication_token: 'same' });
    await insert({});
    await insert({});
    // The two without a token have equal contents, so the second of them is dropped too, but neither for the token's sake.
    assert.deepEqual(await rows('SELECT count() AS n FROM d.dedup'), [{ n: 2 }]);
  });

  it("raises ClickHouse's errors with code and type", async () => {
    const cases: [string, string, string, number][] = [
      ['SELECT * FROM d.missing', '60', 'UNKNOWN_TABLE', 404],
      ['SELEC 1 FROM', '62', 'SYNTAX_ERROR', 400],
      ['SELECT 1; SELECT 2', '62', 'SYNTAX_ERROR', 400],
      ["SELECT throwIf(1, 'boo')", '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO', 500],
      ["SELECT 1 INTO OUTFILE '/tmp/never'", '358', 'INTO_OUTFILE_NOT_ALLOWED', 500],
    ];
    for (const [query, code, type, status] of cases) {
      await assert.rejects(client.command({ query }), (error) => {
        assert.ok(error instanceof ClickHouseError, query);
        assert.deepEqual([error.code, error.type], [code, type], query);
        return true;
      });
      const response = await face.request('/', { method: 'POST', body: query });
      assert.deepEqual([response.status, response.headers.get('x-clickhouse-exception-code')], [status, code], query);
      assert.match(
        await response.text(),
        new RegExp(`^Code: ${code}\\. DB::Exception: .*\\(${type}\\) \\(version 26\\.`),
      );
    }
    const settings = { clickhouse_settings: { no_such_setting: '1' } as ClickHouseSettings };
    await assert.rejects(client.query({ query: 'SELECT 1', ...settings }), { code: '115', type: 'UNKNOWN_SETTING' });
    const inMissing = face.client({ database: 'missing' });
    await assert.rejects(inMissing.query({ query: 'SELECT 1' }), { code: '81', type: 'UNKNOWN_DATABASE' });
  });

  it('bounds time, memory and rows as the caller asks', async () => {
    const endless = 'SELECT sum(number) FROM numbers(1000000000000)';
    await assert.rejects(rows(endless, { clickhouse_settings: { max_execution_time: 1 } }), {
      type: 'TIMEOUT_EXCEEDED',
    });
    const many = 'SELECT number FROM numbers(1000)';
    await assert.rejects(rows(many, { clickhouse_settings: { max_result_rows: '10' } }), {
      type: 'TOO_MANY_ROWS_OR_BYTES',
    });
    const large = 'SELECT groupArray(number) FROM numbers(10000000)';
    const limit = { clickhouse_settings: { max_memory_usage: '10000000' } };
    await assert.rejects(rows(large, limit), { type: 'MEMORY_LIMIT_EXCEEDED' });
  });

  it('compresses answers when asked', async () => {
    const packed = face.client({ compression: { response: true } });
    const answer = await packed.query({ query: 'SELECT number FROM numbers(10000)', format: 'JSONEachRow' });
    assert.equal(answer.response_headers['content-encoding'], 'gzip');
    assert.equal((await answer.json()).length, 10_000);
    const small = await packed.query({ query: 'SELECT * FROM d.missing' }).catch((error: unknown) => error);
    assert.ok(small instanceof ClickHouseError);
  });

  it("sends ClickHouse's headers", async () => {
    const answer = await client.exec({ query: 'SELECT number FROM numbers(5) FORMAT JSONEachRow', query_id: 'my-id' });
    answer.stream.resume();
    assert.equal(answer.query_id, 'my-id');
    assert.equal(answer.response_headers['x-clickhouse-query-id'], 'my-id');
    assert.equal(answer.response_headers['x-clickhouse-format'], 'JSONEachRow');
    assert.equal(answer.response_headers['content-type'], 'application/x-ndjson; charset=UTF-8');
    assert.equal(answer.summary?.read_rows, '5');
  });

  it('takes statements from the URL, reading only without POST, and ignores sessions', async () => {
    const get = (query: string, more = '') => face.request(`/?query=${encodeURIComponent(query)}${more}`);
    assert.equal(await (await get('SELECT 1')).text(), '1\n');
    assert.equal(await (await get('SELECT 1', '&default_format=JSONCompactEachRow')).text(), '[1]\n');
    assert.equal((await get('CREATE TABLE d.by_get (a Int8) ENGINE = Memory')).status, 500);
    assert.equal(await (await face.request('/')).text(), 'Ok.\n');
    const session = { session_id: 's', clickhouse_settings: { wait_end_of_query: 1 } };
    assert.deepEqual(await rows('SELECT 1 AS a', session), [{ a: 1 }]);
    assert.equal((await face.request('/elsewhere')).status, 404);
  });

  it('refuses wrong credentials as ClickHouse does, everywhere but at /ping', async () => {
    const without = await fetch(`${face.address}/?query=SELECT+1`);
    assert.deepEqual([without.status, without.headers.get('x-clickhouse-exception-code')], [401, '194']);
    assert.match(without.headers.get('www-authenticate') ?? '', /^Basic/);
    const wrong = await fetch(`${face.address}/?query=SELECT+1&user=default&password=nope`);
    assert.deepEqual([wrong.status, wrong.headers.get('x-clickhouse-exception-code')], [403, '516']);
    const right = await fetch(`${face.address}/?query=SELECT+1&user=default&password=${PASSWORD}`);
    assert.equal(right.status, 200);
    assert.equal((await fetch(`${face.address}/ping`)).status, 200);
    const client = face.client({ password: 'nope' });
    await assert.rejects(client.query({ query: 'SELECT 1' }), { code: '516', type: 'AUTHENTICATION_FAILED' });
  });

  it('says what it leaves out', async () => {
    const form = new FormData();
    form.set('query', 'SELECT 1');
    assert.equal((await face.request('/', { method: 'POST', body: form })).status, 501);
    assert.equal((await face.request('/?compress=1', { method: 'POST', body: 'SELECT 1' })).status, 501);
    assert.equal((await face.request('/?role=x', { method: 'POST', body: 'SELECT 1' })).status, 501);
  });

  it('answers 413 to a body above its bound', async () => {
    const query = encodeURIComponent('INSERT INTO d.t FORMAT JSONEachRow');
    const body = gzipSync(Buffer.alloc(65 * 1024 * 1024, 0x20));
    const headers = { 'Content-Encoding': 'gzip' };
    const response = await face.request(`/?query=${query}`, { method: 'POST', body, headers });
    assert.deepEqual([response.status, response.headers.get('x-clickhouse-exception-code')], [413, '229']);
  });
});
