import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigSnapshot } from '@tollgate/config';
import { findTeam } from './team.ts';

const project = (name: string, ...teams: string[]) => ({
  id: name,
  name,
  teams: teams.map((team) => ({ id: `${name}.${team}`, name: team, limits: [] })),
});
const snapshot = { projects: [project('a', 'sales', 'ops'), project('b', 'sales')] } as unknown as ConfigSnapshot;

test('a team is found by its name, or by its id where the name is ambiguous', () => {
  assert.equal(findTeam(snapshot, 'ops')?.team.id, 'a.ops');
  assert.equal(findTeam(snapshot, 'b.sales')?.project.name, 'b');
  assert.equal(findTeam(snapshot, 'nobody'), undefined);
  assert.throws(() => findTeam(snapshot, 'sales'), { code: 'invalid_request', message: /a\.sales, b\.sales/ });
});
