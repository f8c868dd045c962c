import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell } from '../api/types.ts';
import { byTeam } from './team-rows.ts';

test("a team's rows stand together, in the order in which they come", () => {
  const cells = ['a 1', 'b 1', 'a 2'].map((name) => ({ teamId: name[0], model: name[2] }) as Cell);
  assert.deepEqual(
    byTeam(cells).map((rows) => rows.map(({ teamId, model }) => teamId + model)),
    [['a1', 'a2'], ['b1']],
  );
});
