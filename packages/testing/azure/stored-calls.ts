import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkApiVersion, checkCredential, type PathForm, Refusal } from './call.ts';
import type { Core } from './core.ts';
import { invalidParameter, type ProviderError, resourceNotFound } from './errors.ts';
import { providerHeaders } from './headers.ts';
import { isRecord, stringOf } from './json.ts';
import { findModel, modelList } from './models.ts';
import type { StoredResponse } from './response-store.ts';

type Read = (request: FastifyRequest) => object;

/** The calls that no model answers: the model list, and stored responses by id. They are not recorded. */
export function addStoredCalls(app: FastifyInstance, core: Core): void {
  const forms: readonly [PathForm, string][] = [
    ['classic', '/openai'],
    ['v1', '/openai/v1'],
  ];
  for (const [form, base] of forms) {
    const guarded = (surface: 'models' | 'responses', read: Read) => guard(core, form, surface, read);
    app.get(
      `${base}/models`,
      guarded('models', () => modelList(core.deployments.values())),
    );
    app.get(
      `${base}/models/:id`,
      guarded('models', (request) => model(core, request)),
    );
    app.get(
      `${base}/responses/:id`,
      guarded('responses', (request) => stored(core, request).body),
    );
    app.get(
      `${base}/responses/:id/input_items`,
      guarded('responses', (request) => inputItems(core, request)),
    );
    app.post(
      `${base}/responses/:id/cancel`,
      guarded('responses', (request) => cancel(core, request)),
    );
    app.delete(
      `${base}/responses/:id`,
      guarded('responses', (request) => remove(core, request)),
    );
  }
}

function guard(core: Core, form: PathForm, surface: 'models' | 'responses', read: Read) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    reply.headers(providerHeaders(stringOf(request.headers['x-ms-client-request-id'])));
    try {
      checkCredential(request.headers, core.options);
      checkApiVersion(form, surface, request.query);
      return read(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return reply.code(error.answer.status).send(error.answer.body);
    }
  };
}

function idOf(request: FastifyRequest): string {
  return (isRecord(request.params) ? stringOf(request.params.id) : undefined) ?? '';
}

function model(core: Core, request: FastifyRequest): object {
  const found = findModel(core.deployments.values(), idOf(request));
  if (!found) throw new Refusal(resourceNotFound());
  return found;
}

function stored(core: Core, request: FastifyRequest): StoredResponse {
  const found = core.responses.get(idOf(request));
  if (!found) throw new Refusal(responseNotFound(idOf(request)));
  return found;
}

function responseNotFound(id: string): ProviderError {
  return { ...invalidParameter(`Response with id '${id}' not found.`, 'response_id', null), status: 404 };
}

function inputItems(core: Core, request: FastifyRequest): object {
  const items = stored(core, request).inputItems;
  return { object: 'list', data: items, first_id: idAt(items, 0), last_id: idAt(items, -1), has_more: false };
}

function idAt(items: readonly object[], index: number): string | null {
  const item = items.at(index);
  return (isRecord(item) ? stringOf(item.id) : undefined) ?? null;
}

function cancel(core: Core, request: FastifyRequest): never {
  stored(core, request);
  throw new Refusal(invalidParameter('Cannot cancel a synchronous response.', 'response_id', null));
}

function remove(core: Core, request: FastifyRequest): object {
  stored(core, request);
  core.responses.delete(idOf(request));
  return { id: idOf(request), object: 'response', deleted: true };
}
