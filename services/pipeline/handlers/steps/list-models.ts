import { offeredModels, teamById } from '@tollgate/config';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';

/** The models that this key may name on this proxy, or one of them, as OpenAI's API lists them. */
export async function listModels({ snapshot, proxy, request, receipt, allowedModels }: Run): Promise<Verdict> {
  const created = Math.floor(snapshot.appliedAtMs / 1000);
  const regions = teamById(snapshot, receipt?.teamId ?? '')?.team.regions;
  const data = [...offeredModels(snapshot, proxy, regions)]
    .filter(([id]) => allowedModels.length === 0 || allowedModels.includes(id))
    .map(([id, provider]) => ({ id, object: 'model', created, owned_by: provider }));
  if (request.pathModel === '') return answer({ object: 'list', data });
  const one = data.find(({ id }) => id === request.pathModel);
  if (one) return answer(one);
  const message = `The model "${request.pathModel.slice(0, 100)}" does not exist here, or this key may not use it.`;
  return refuse(toErrorDetail(new TollgateError('model_not_found', { message, param: 'model' })));
}

function answer(value: unknown): Verdict {
  return { kind: 'answer', body: Buffer.from(JSON.stringify(value)) };
}
