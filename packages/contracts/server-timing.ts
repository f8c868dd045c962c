/**
 * The header `server-timing` (W3C Server Timing): each stage that a request has passed and how long it took, in milliseconds.
 * @param stageUs microseconds by stage, whose names are tokens of HTTP
 */
export function serverTiming(stageUs: Readonly<Record<string, number>>): string {
  let text = '';
  for (const stage in stageUs) text += `${text === '' ? '' : ', '}${stage};dur=${(stageUs[stage] ?? 0) / 1000}`;
  return text;
}
