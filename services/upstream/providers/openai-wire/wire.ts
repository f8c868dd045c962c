import type { Provider } from '@tollgate/config';
import { Surface } from '@tollgate/contracts';
import type { ProviderWire } from '../wire.ts';

const surfacePaths: Partial<Record<Surface, string>> = {
  [Surface.CHAT_COMPLETIONS]: '/chat/completions',
  [Surface.RESPONSES]: '/responses',
  [Surface.EMBEDDINGS]: '/embeddings',
};

/** Method, and what stands behind the id. */
const storedActions: Readonly<Record<string, ['POST' | 'GET' | 'DELETE', string]>> = {
  retrieve: ['GET', ''],
  input_items: ['GET', '/input_items'],
  cancel: ['POST', '/cancel'],
  delete: ['DELETE', ''],
};

/**
 * OpenAI's API, and Azure's in its two forms: with `apiVersion` the classic one, where chat has its deployment in the path
 * and responses in the body; without it `/openai/v1`, which is shaped like OpenAI's.
 */
export function openaiWire({ type, endpoint, apiVersion, credential }: Provider): ProviderWire {
  const base = new URL(endpoint).pathname.replace(/\/+$/, '');
  const azure = type === 'azure-openai';
  const query = apiVersion === undefined ? '' : `?api-version=${encodeURIComponent(apiVersion)}`;
  return {
    path(surface, deployment) {
      const path = surfacePaths[surface];
      if (path === undefined) throw new RangeError(`surface ${surface} is not spoken by ${type}`);
      if (!azure) return `${base}${path}`;
      if (apiVersion === undefined) return `${base}/openai/v1${path}`;
      const place = surface === Surface.RESPONSES ? '/openai' : `/openai/deployments/${encodeURIComponent(deployment)}`;
      return `${base}${place}${path}${query}`;
    },
    stored({ responseId, action, query: asked }) {
      const found = storedActions[action];
      if (found === undefined) throw new RangeError(`${type} has no ${action} of a response`);
      const [method, below] = found;
      const place = azure ? (apiVersion === undefined ? '/openai/v1' : '/openai') : '';
      const path = `${base}${place}/responses/${encodeURIComponent(responseId)}${below}${query}`;
      if (asked === '') return { method, path };
      return { method, path: `${path}${query === '' ? '?' : '&'}${asked}` };
    },
    headers(key, requestId) {
      const headers = azure ? ['x-ms-client-request-id', requestId] : ['x-client-request-id', requestId];
      if (key === undefined) return headers;
      // A token of Entra is no key: Azure takes it as OpenAI takes its keys.
      if (azure && credential === undefined) headers.push('api-key', key);
      else headers.push('authorization', `Bearer ${key}`);
      return headers;
    },
    // Azure, "Plan and manage costs", HTTP error response code and billing status: a prompt that its content filter stopped
    // and a call that timed out there were processed and are charged; 401 and 429 are not.
    billsRefusal: (status, code) => azure && (status === 408 || (status === 400 && code === 'content_filter')),
  };
}
