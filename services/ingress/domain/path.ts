import { Surface } from '@tollgate/contracts';

export interface CallPath {
  surface: Surface;
  /** The proxy's context, segments joined with slashes; empty = the default proxy. */
  context: string;
  /** {model} of /deployments/{model}; empty when the path names none. */
  model: string;
}

export type PathResult =
  | { kind: 'call'; path: CallPath }
  | { kind: 'not_found' }
  | { kind: 'method_not_allowed'; allow: string };

const longestPathMax = 2048;

/**
 * Reads `{context}[/openai][/v1][/deployments/{model}]/{surface}`, and `…/models[/{model}]`. Double slashes are collapsed, a final one is
 * ignored, the query (api-version and the like) plays no part.
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
  } else {
    return readModels(method, segments);
  }
  if (method !== 'POST') return { kind: 'method_not_allowed', allow: 'POST' };

  let model = '';
  if (segments.at(-2) === 'deployments') {
    model = segments.at(-1) ?? '';
    segments.length -= 2;
  }
  return { kind: 'call', path: { surface, context: contextOf(segments), model } };
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
