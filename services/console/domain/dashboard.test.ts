import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigSnapshot } from '@tollgate/config';
import { REST_GROUP, type UsageBreakdown, type UsageCell, type UsageSums } from '@tollgate/ledger';
import { toDashboard } from './dashboard.ts';

const none: UsageSums = {
  ...{ requests: 0, tokens: 0, promptTokens: 0, completionTokens: 0, cachedPromptTokens: 0, reasoningTokens: 0 },
  ...{ servedPromptTokens: 0, servedCompletionTokens: 0, costNanoUsd: 0, savedNanoUsd: 0, cacheHits: 0 },
  ...{ errors: 0, refused: 0 },
};
const cell = (teamId: string, model: string, costNanoUsd: number): UsageCell => {
  const [project = '', team = ''] = teamId.split('.');
  return { ...none, teamId, team, project, model, requests: 1, costNanoUsd };
};
const point = (minute: number, group: string, requests: number, costNanoUsd = 0) => ({
  ...{ ...none, requests, costNanoUsd },
  bucketMs: minute * 60_000,
  group,
});
const usage = (more: Partial<UsageBreakdown>): UsageBreakdown => ({
  ...{ bucket: 'minute', range: { fromMs: 0, toMs: 150_000 }, total: none, cells: [], byTeam: [], byModel: [] },
  ...more,
});
const snapshot = {
  projects: [
    {
      name: 'a',
      teams: [
        { id: 'a.sales', name: 'sales' },
        { id: 'a.ops', name: 'ops' },
      ],
    },
    { name: 'b', teams: [{ id: 'b.sales', name: 'sales' }] },
  ],
  providers: [{ models: [{ name: 'gpt-4o' }] }],
} as unknown as ConfigSnapshot;

test('every bucket of the range is there, with zeros where nothing happened', () => {
  const { bucketsMs, byTeam } = toDashboard(usage({ byTeam: [point(1, 'a.ops', 3)] }), snapshot);
  assert.deepEqual(bucketsMs, [0, 60_000, 120_000]);
  assert.deepEqual(
    byTeam.map(({ id, name, requests }) => [id, name, requests]),
    [['a.ops', 'ops', [0, 3, 0]]],
  );
});

test('groups come by what they cost, the rest last', () => {
  const points = [
    point(0, REST_GROUP, 9, 900),
    point(0, 'cheap', 5, 1),
    point(0, 'dear', 1, 5),
    point(1, 'cheap', 1, 1),
  ];
  const { byModel } = toDashboard(usage({ byModel: points }), undefined);
  assert.deepEqual(
    byModel.map(({ id, name }) => [id, name]),
    [
      ['dear', 'dear'],
      ['cheap', 'cheap'],
      [REST_GROUP, 'others'],
    ],
  );
});

test('teams and models can be chosen whether they are configured or only in the ledger, and names are told apart', () => {
  const { teams, models, cells } = toDashboard(
    usage({ cells: [cell('a.old', 'gpt-3', 5), cell('b.sales', '', 0)] }),
    snapshot,
  );
  assert.deepEqual(teams, [
    { id: 'a.sales', name: 'a / sales' },
    { id: 'b.sales', name: 'b / sales' },
    { id: 'a.old', name: 'old' },
    { id: 'a.ops', name: 'ops' },
  ]);
  assert.deepEqual(models, ['gpt-3', 'gpt-4o']);
  assert.deepEqual(
    cells.map(({ teamName }) => teamName),
    ['old', 'b / sales'],
  );
});

test('rows beyond two hundred are summed, so that the table adds up', () => {
  const cells = Array.from({ length: 203 }, (_, i) => cell(`a.t${i}`, 'm', 1000 - i));
  const total = { ...none, requests: 203, costNanoUsd: cells.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0) };
  const dashboard = toDashboard(usage({ cells, total }), undefined);
  assert.equal(dashboard.cells.length, 200);
  assert.deepEqual([dashboard.restOfCells?.requests, dashboard.restOfCells?.costNanoUsd], [3, 800 + 799 + 798]);
  assert.equal(toDashboard(usage({ cells: cells.slice(0, 200), total }), undefined).restOfCells, undefined);
});
