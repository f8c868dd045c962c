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
 * Reads `{context}[/openai][/v1][/deployments/{model}]/{surface}`. Double slashes are collapsed, a final one is
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
  } else {
    return { kind: 'not_found' };
  }
  if (method !== 'POST') return { kind: 'method_not_allowed', allow: 'POST' };

  let model = '';
  if (segments.at(-2) === 'deployments') {
    model = segments.at(-1) ?? '';
    segments.length -= 2;
  }
  if (segments.at(-1) === 'v1') segments.length -= 1;
  if (segments.at(-1) === 'openai') segments.length -= 1;
  return { kind: 'call', path: { surface, context: segments.join('/'), model } };
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
