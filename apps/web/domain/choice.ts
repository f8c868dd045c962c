/** What the page shows; it stands in the address, so that it can be kept and sent on. */
export interface Choice {
  range: RangeChoice;
  /** A team's id; empty = all. */
  team: string;
  /** Empty = all. */
  model: string;
  /** What the charts are stacked by. */
  by: 'team' | 'model';
}

/** So far back from now, which moves on; or from one moment to another, which stays. */
type RangeChoice = { last: Last } | { fromMs: number; toMs: number };

export const lasts = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
export type Last = (typeof lasts)[number];

export const lastNames: Readonly<Record<Last, string>> = {
  '15m': '15 min',
  '1h': '1 h',
  '6h': '6 h',
  '24h': '24 h',
  '7d': '7 d',
  '30d': '30 d',
};

const lastDefault: Last = '1h';
const daysMax = 400;
const dayMs = 86_400_000;

export const isLive = ({ range }: Choice): boolean => 'last' in range;

/** Reads the address's query; what cannot be read is left at its default. */
export function readChoice(search: string): Choice {
  const query = new URLSearchParams(search);
  return {
    range: readRange(query),
    team: query.get('team') ?? '',
    model: query.get('model') ?? '',
    by: query.get('by') === 'model' ? 'model' : 'team',
  };
}

/** The query of the address, without what is at its default. */
export function writeChoice({ range, team, model, by }: Choice): string {
  const query = new URLSearchParams();
  if (!('last' in range)) writeMoments(query, range);
  else if (range.last !== lastDefault) query.set('last', range.last);
  if (team) query.set('team', team);
  if (model) query.set('model', model);
  if (by !== 'team') query.set('by', by);
  return query.toString();
}

/** The query of the API. */
export function questionOf({ range, team, model }: Choice): string {
  const query = new URLSearchParams();
  if ('last' in range) query.set('last', range.last);
  else writeMoments(query, range);
  if (team) query.set('team', team);
  if (model) query.set('model', model);
  return query.toString();
}

/** Why this cannot be a range; undefined when it can. */
export function rangeFault(fromMs: number, toMs: number): string | undefined {
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return 'Give both a beginning and an end.';
  if (toMs <= fromMs) return 'The end must come after the beginning.';
  if (toMs - fromMs > daysMax * dayMs) return `A range has at most ${daysMax} days.`;
  return undefined;
}

function readRange(query: URLSearchParams): RangeChoice {
  const fromMs = Date.parse(query.get('from') ?? '');
  const toMs = Date.parse(query.get('to') ?? '');
  if (rangeFault(fromMs, toMs) === undefined) return { fromMs, toMs };
  return { last: lasts.find((last) => last === query.get('last')) ?? lastDefault };
}

function writeMoments(query: URLSearchParams, { fromMs, toMs }: { fromMs: number; toMs: number }): void {
  query.set('from', new Date(fromMs).toISOString());
  query.set('to', new Date(toMs).toISOString());
}
