/**
 * Azure's content filter results, in the shapes that chat completions and responses carry.
 *
 * `default`: text is held, checked and released in bursts. `asynchronous`: text goes out at once, the results follow
 * as choices without a `delta`. `off`: no results at all (a deployment with annotations disabled).
 */
export type ContentFilterMode = 'default' | 'asynchronous' | 'off';

export const CONTENT_FILTER_MODES: readonly ContentFilterMode[] = ['default', 'asynchronous', 'off'];

const SAFE = { filtered: false, severity: 'safe' };
const UNDETECTED = { filtered: false, detected: false };

/** Results for the prompt; a filtered one was caught as a jailbreak. */
export function promptResults(filtered = false): object {
  return {
    hate: SAFE,
    jailbreak: filtered ? { filtered: true, detected: true } : UNDETECTED,
    self_harm: SAFE,
    sexual: SAFE,
    violence: SAFE,
  };
}

/** Results for a piece of the answer; a filtered one was caught as violence. */
export function answerResults(filtered = false): object {
  return {
    hate: SAFE,
    protected_material_code: UNDETECTED,
    protected_material_text: UNDETECTED,
    self_harm: SAFE,
    sexual: SAFE,
    violence: filtered ? { filtered: true, severity: 'medium' } : SAFE,
  };
}

export function promptFilterResults(): object[] {
  return [{ prompt_index: 0, content_filter_results: promptResults() }];
}

/** The `content_filters` of a Responses object: one entry for the prompt, one for the answer once there is one. */
export function responseFilters(promptChars: number, answerChars: number | undefined, filtered: boolean): object[] {
  const entry = (source: string, blocked: boolean, results: object, start: number, end: number) => ({
    blocked,
    source_type: source,
    content_filter_raw: [],
    content_filter_results: results,
    content_filter_offsets: { start_offset: start, end_offset: end, check_offset: 0 },
  });
  const prompt = entry('prompt', false, promptResults(), 0, promptChars);
  if (answerChars === undefined) return [prompt];
  return [prompt, entry('completion', filtered, answerResults(filtered), promptChars, promptChars + answerChars)];
}
