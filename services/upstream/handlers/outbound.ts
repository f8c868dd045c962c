import { modelOf, providerByName } from '@tollgate/config';
import type { Target } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Endpoint, Endpoints } from '../adapters/endpoints.ts';
import type { Fault } from '../domain/fault.ts';
import { spliceModel } from '../domain/splice-model.ts';
import type { Translation } from '../providers/index.ts';
import type { Run } from './run.ts';

/** What goes to a target: known before the attempt begins, since a target that cannot be asked is none. */
export interface Outbound {
  endpoint: Endpoint;
  method: 'POST' | 'GET' | 'DELETE';
  path: string;
  body: Buffer | null;
  /** Undefined: the target speaks OpenAI's wire. */
  translation: Translation | undefined;
}

/** The call of this target, or what stands in its way: `unserved` is the caller's, and another target may do it. */
export function outboundTo(run: Run, target: Target, endpoints: Endpoints): Outbound | Fault {
  const { dispatch, snapshot } = run;
  const provider = providerByName(snapshot, target.provider);
  if (!provider) {
    return { kind: 'misconfigured', reason: `no provider ${target.provider} in revision ${snapshot.revision}` };
  }
  const endpoint = endpoints.of(provider);
  const { stored, knownResponse } = dispatch;
  try {
    if (!stored) return generating(run, target, endpoint);
    const call = endpoint.wire.stored({ ...stored, responseId: knownResponse?.providerId ?? '' });
    return { endpoint, body: null, translation: undefined, ...call };
  } catch (error) {
    return { kind: 'unserved', error: unserved(error, stored !== undefined) };
  }
}

/** @throws TollgateError, RangeError where the target cannot be asked for it */
function generating({ dispatch, snapshot, body }: Run, target: Target, endpoint: Endpoint): Outbound {
  const { surface, modelOffset, modelLength } = dispatch;
  const { wire } = endpoint;
  const translation = wire.translate?.({
    surface,
    body,
    target,
    outputTokensMax: modelOf(snapshot, target)?.outputTokensMax,
    nowMs: Date.now(),
  });
  return {
    endpoint,
    method: 'POST',
    path: wire.path(surface, target.deployment),
    body: translation ? translation.body : spliceModel(body, modelOffset, modelLength, target.deployment),
    translation,
  };
}

/** @throws whatever is no word about what a provider serves */
function unserved(error: unknown, stored: boolean): TollgateError {
  if (error instanceof TollgateError) return error;
  if (!(error instanceof RangeError)) throw error;
  if (stored) {
    const message = 'The response was not found. Its provider keeps none.';
    return new TollgateError('not_found', { message, param: 'response_id', internal: error.message });
  }
  const message = 'The provider of this model does not offer what was asked for.';
  return new TollgateError('model_not_found', { message, param: 'model', internal: error.message });
}
