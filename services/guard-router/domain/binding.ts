import {
  type ConfigSnapshot,
  findTarget,
  type IssuedResponse,
  type ProxySettings,
  providerByName,
  type ResolvedModel,
  type ResponseIds,
  rotationOf,
} from '@tollgate/config';
import type { Affinity, Target } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';

/** Of an id in an error: providers' have some 55. */
const shownCharactersMax = 100;

/** The resource that keeps the state of a request. */
export interface Binding {
  provider: string;
  /** The response that is read or gone on from. */
  issued: IssuedResponse | undefined;
}

/**
 * Where an affinity leads.
 * @param known the providers of the configuration
 * @throws TollgateError `previous_response_not_found`, `not_found`; `invalid_request` for contents of another team or of several providers
 */
export function bindingOf(
  ids: ResponseIds,
  { teamId, responseId, contentMarks, itemIds, action }: Affinity & { teamId: string },
  known: readonly string[],
): Binding {
  const issued = responseId === '' ? undefined : ids.open(teamId, responseId);
  if (responseId !== '' && !issued) throw notFound(action);
  // Of an answer out of the cache the provider keeps what another request asked for, and whoever sent that.
  if (issued?.borrowed && action !== '') throw notFound(action, 'It came from the cache, and is not kept itself.');
  const providers = new Set(contentMarks.map((mark) => providerOf(ids, teamId, mark)));
  if (issued) providers.add(issued.provider);
  // The one that is found keeps the others too, as a rule.
  for (const id of itemIds) providers.add(keeperOfItem(ids, teamId, id, [...providers, ...known]));
  const [provider, another] = providers;
  if (provider === undefined) throw notFound(action);
  if (another !== undefined) {
    const message = 'What this request goes on from is kept by different providers, and none of them has all of it.';
    throw new TollgateError('invalid_request', { message, param: 'input' });
  }
  return { provider, issued };
}

/**
 * Anthropic keeps no responses: an id of one that it wrote finds nothing, though its team's it is.
 * @throws TollgateError `previous_response_not_found`, `not_found`
 */
export function checkKept(snapshot: ConfigSnapshot, { provider, issued }: Binding, action: string): void {
  if (!issued || providerByName(snapshot, provider)?.type !== 'anthropic') return;
  throw notFound(action, 'The provider that wrote it keeps none.');
}

/**
 * What may serve a request that goes on: of those that its rotation allows the ones at the resource, first the model that it was
 * with; a model that was named, if it is there.
 * @throws TollgateError `previous_response_not_found` when none is; `not_found` where items or contents are gone on from
 */
export function boundTargets(resolved: ResolvedModel, { provider, issued }: Binding): Target[] {
  const allowed = resolved.kind === 'rotation' ? resolved.targets : resolved.kind === 'named' ? [resolved.target] : [];
  const there = allowed.filter((target) => target.provider === provider);
  if (there.length === 0) throw issued ? notFound('', elsewhere) : itemNotFound(elsewhere);
  const isFormer = ({ model }: Target) => (model === issued?.model ? 0 : 1);
  return there.toSorted((a, b) => isFormer(a) - isFormer(b));
}

/**
 * Where a response is asked for by its id. The model plays no part: this revision may not offer it any more.
 * @throws TollgateError `not_found` when the proxy does not use its provider
 */
export function keeperOf(
  snapshot: ConfigSnapshot,
  proxy: ProxySettings,
  action: string,
  issued: IssuedResponse,
): Target {
  const { provider, model } = issued;
  const uses = proxy.provider === provider || rotationOf(proxy)?.models.some((listed) => listed.provider === provider);
  if (!uses) throw notFound(action);
  return (
    findTarget(snapshot, provider, model) ?? {
      provider,
      model,
      deployment: model,
      baseModel: model,
      region: '',
      probe: false,
    }
  );
}

const elsewhere = 'The provider that keeps it does not serve this model here.';

/** One text for what was never there, belongs to another team or is out of reach: a difference would tell whose it is. */
function notFound(action: string, why = 'No response of this team has this id here.'): TollgateError {
  return action === ''
    ? new TollgateError('previous_response_not_found', {
        message: `The previous response was not found. ${why}`,
        param: 'previous_response_id',
      })
    : new TollgateError('not_found', { message: `The response was not found. ${why}`, param: 'response_id' });
}

function keeperOfItem(ids: ResponseIds, teamId: string, id: string, providers: readonly string[]): string {
  const provider = ids.providerOfItem(teamId, id, providers);
  if (provider !== undefined) return provider;
  throw itemNotFound(`No response of this team that is stored has an item '${id.slice(0, shownCharactersMax)}'.`);
}

function itemNotFound(why: string): TollgateError {
  const message = `What "input" refers to was not found. ${why} Send the item itself.`;
  return new TollgateError('not_found', { message, param: 'input' });
}

function providerOf(ids: ResponseIds, teamId: string, mark: string): string {
  const provider = ids.providerOfMark(teamId, mark);
  if (provider !== undefined) return provider;
  const message = 'An encrypted content of "input" was not given to this team.';
  throw new TollgateError('invalid_request', { message, param: 'input' });
}
