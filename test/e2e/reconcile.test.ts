import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support/load.ts';
import { sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = sharedSystem();

test('npx tollgate reconcile: the books of a running system agree', async () => {
  const { gatewayUrl } = await system.status();
  const { key } = await system.createKey('engineering', 'reconcile');
  const { requestId } = await ask({ gatewayUrl, key }, 'Do the books agree?');
  await until('its row', async () => {
    const [row] = await system.sql<{ n: number }>(`SELECT count() AS n FROM usage WHERE request_id = '${requestId}'`);
    return Number(row?.n) === 1 || undefined;
  });
  const { run, outcome, findings } = JSON.parse(await system.cli('reconcile', '--json'));
  assert.equal(outcome, 'equal', JSON.stringify(findings));
  const [kept] = await system.sql<{ n: number }>(`SELECT count() AS n FROM reconciliations WHERE run = '${run}'`);
  assert.equal(Number(kept?.n), findings.length);
});
