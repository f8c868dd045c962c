import type { ResponseIds } from '@tollgate/config';
import { Surface, type Target } from '@tollgate/contracts';
import { ResponseNames } from '../domain/response-names.ts';
import { topLevelText } from '../domain/top-level-text.ts';
import type { Run } from './run.ts';

/** What the responses of a target are called by this caller; undefined on surfaces that have none. */
export function namesFor(run: Run, { provider, model }: Target, ids: ResponseIds): ResponseNames | undefined {
  const { dispatch, row, background } = run;
  const { surface, knownResponse: known } = dispatch;
  if (surface !== Surface.RESPONSES && surface !== Surface.STORED_RESPONSES) return undefined;
  const teamId = row.receipt?.teamId ?? '';
  return new ResponseNames({
    seal: (providerId, borrowed) => {
      const id = ids.seal(teamId, { provider, model, providerId, borrowed });
      if (background === undefined) return id;
      // Its caller has had a name for it since admission.
      background.keptAs = id;
      return background.responseId;
    },
    contentMark: () => ids.contentMark(teamId, provider),
    itemTag: (itemId) => ids.itemTag(teamId, provider, itemId),
    known,
  });
}

/** A whole JSON answer with the caller's names in it. @param items ids of those in it that the provider keeps */
export function renamedAnswer(
  surface: Surface,
  names: ResponseNames | undefined,
  body: Buffer,
  items: readonly string[],
): Buffer {
  if (!names) return body;
  names.learn(topLevelText(body, 'id'));
  // Whose the turn before was is not known here: that of another team, where a cache is shared.
  if (surface === Surface.STORED_RESPONSES) names.learn(topLevelText(body, 'previous_response_id'), true);
  for (const id of items) names.learnItem(id);
  return names.rename(body);
}
