import type { ConfigSnapshot, Project, Team } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';

export interface FoundTeam {
  team: Team;
  project: Project;
}

/**
 * A team by its name, or by its id (`project.team`) where two projects have one of the same name. Undefined when the
 * configuration has none.
 * @throws TollgateError `invalid_request` that lists the ids when the name is ambiguous
 */
export function findTeam(snapshot: ConfigSnapshot, wanted: string): FoundTeam | undefined {
  const found = snapshot.projects.flatMap((project) =>
    project.teams.filter(({ id, name }) => name === wanted || id === wanted).map((team) => ({ project, team })),
  );
  if (found.length <= 1) return found[0];
  const byId = found.find(({ team }) => team.id === wanted);
  if (byId) return byId;
  const ids = found.map(({ team }) => team.id).join(', ');
  throw new TollgateError('invalid_request', {
    message: `Several projects have a team "${wanted}": say one of ${ids}.`,
    param: 'team',
  });
}

/** @throws TollgateError `invalid_request` */
export function unknownTeam(wanted: string): never {
  throw new TollgateError('invalid_request', {
    message: `There is no team "${wanted}" in the configuration.`,
    param: 'team',
  });
}
