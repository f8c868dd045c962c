import type { Team } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';

/** Nothing that could serve a request is where its team's requests may go. */
export function outsideRegions(team: Team | undefined): TollgateError {
  const regions = (team?.regions ?? []).join(', ');
  const message = `Requests of team ${team?.name} may only go to the regions ${regions}: what was asked for has no model there.`;
  return new TollgateError('access_denied', { message });
}
