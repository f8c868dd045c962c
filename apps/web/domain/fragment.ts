/** A token that was handed over as `#token=…`: a fragment is never sent to a server. Undefined when there is none. */
export function tokenIn(fragment: string): string | undefined {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('token')?.trim() || undefined;
}
