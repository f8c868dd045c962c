import { Surface } from '@tollgate/contracts';

export interface CallPath {
  surface: Surface;
  /** The proxy's context, segments joined with slashes; empty = the default proxy. */
  context: string;
  /** {model} of /deployments/{model}; empty when the path names none. */
  model: string;
  /** Of surface STORED_RESPONSES. */
  stored?: StoredPath;
}

export interface StoredPath {
  responseId: string;
  action: 'retrieve' | 'input_items' | 'cancel' | 'delete';
}

export type PathResult =
  | { kind: 'call'; path: CallPath }
  | { kind: 'not_found' }
  | { kind: 'method_not_allowed'; allow: string };

const longestPathMax = 2048;

type Actions = Readonly<Record<string, StoredPath['action']>>;

/** What each method asks of a response, and of what stands below it. */
const actionsById: Actions = { GET: 'retrieve', DELETE: 'delete' };
const actionsBelow: Readonly<Record<'cancel' | 'input_items', Actions>> = {
  cancel: { POST: 'cancel' },
  input_items: { GET: 'input_items' },
};

/**
 * Reads `{context}[/openai][/v1][/deployments/{model}]/{surface}`, of surface `messages[/count_tokens]` too,
 * `…/responses/{id}[/cancel|/input_items]` and `…/models[/{model}]`.
 * Double slashes are collapsed, a final one is ignored, the query (api-version and the like) plays no part.
 */
export function parsePath(method: string, url: string): PathResult {
  if (url.length > longestPathMax) return { kind: 'not_found' };
  const query = url.indexOf('?');
  const segments = decode((query < 0 ? url : url.slice(0, query)).split('/'));
  if (!segments) return { kind: 'not_found' };

  let surface: Surface;
  if (segments.at(-1) === 'completions' && segments.at(-2) === 'chat') {
    surface = Surface.CHAT_COMPLETIONS;
    segments.length -= 2;
  } else if (segments.at(-1) === 'responses') {
    surface = Surface.RESPONSES;
    segments.length -= 1;
  } else if (segments.at(-1) === 'embeddings') {
    surface = Surface.EMBEDDINGS;
    segments.length -= 1;
  } else if (segments.at(-1) === 'messages') {
    surface = Surface.MESSAGES;
    segments.length -= 1;
  } else if (segments.at(-1) === 'count_tokens' && segments.at(-2) === 'messages') {
    surface = Surface.COUNT_TOKENS;
    segments.length -= 2;
  } else {
    return readStored(method, segments) ?? readModels(method, segments);
  }
  if (method !== 'POST') return { kind: 'method_not_allowed', allow: 'POST' };

  const model = takeDeployment(segments);
  return { kind: 'call', path: { surface, context: contextOf(segments), model } };
}

/** A response by its id; undefined for another path. */
function readStored(method: string, segments: string[]): PathResult | undefined {
  const last = segments.at(-1);
  const below = last === 'cancel' || last === 'input_items' ? last : undefined;
  const at = segments.length - (below === undefined ? 1 : 2);
  // Other names below responses are calls of their own, such as `compact`.
  if (segments[at - 1] !== 'responses' || !segments[at]?.startsWith('resp_')) return undefined;
  const allowed = below === undefined ? actionsById : actionsBelow[below];
  const action = allowed[method];
  if (action === undefined) return { kind: 'method_not_allowed', allow: Object.keys(allowed).join(', ') };
  if (below !== undefined) segments.pop();
  const responseId = segments.pop() ?? '';
  segments.pop();
  // The deployment plays no part: the response is where it is.
  takeDeployment(segments);
  const stored: StoredPath = { responseId, action };
  return { kind: 'call', path: { surface: Surface.STORED_RESPONSES, context: contextOf(segments), model: '', stored } };
}

/** {model} of a final /deployments/{model}, which it takes away; empty when there is none. */
function takeDeployment(segments: string[]): string {
  if (segments.at(-2) !== 'deployments') return '';
  const model = segments.at(-1) ?? '';
  segments.length -= 2;
  return model;
}

/** The list of models, or one of them. */
function readModels(method: string, segments: string[]): PathResult {
  const one = segments.at(-2) === 'models';
  if (!one && segments.at(-1) !== 'models') return { kind: 'not_found' };
  if (method !== 'GET') return { kind: 'method_not_allowed', allow: 'GET' };
  const model = one ? (segments.pop() ?? '') : '';
  segments.pop();
  return { kind: 'call', path: { surface: Surface.MODELS, context: contextOf(segments), model } };
}

function contextOf(segments: string[]): string {
  if (segments.at(-1) === 'v1') segments.length -= 1;
  if (segments.at(-1) === 'openai') segments.length -= 1;
  return segments.join('/');
}

function decode(raw: string[]): string[] | undefined {
  const segments: string[] = [];
  for (const segment of raw) {
    if (segment === '') continue;
    if (!segment.includes('%')) {
      segments.push(segment);
      continue;
    }
    try {
      segments.push(decodeURIComponent(segment));
    } catch {
      return undefined;
    }
  }
  return segments;
}
