/** What GET /api/dashboard answers; services/console says how it is made. */
export interface Dashboard {
  organization: string;
  /** The console's clock. */
  nowMs: number;
  /** Beginning of the first bucket. */
  fromMs: number;
  toMs: number;
  bucket: Bucket;
  bucketsMs: number[];
  totals: Sums;
  cells: Cell[];
  /** What rows beyond the longest table used together. */
  restOfCells?: Sums;
  byTeam: Series[];
  byModel: Series[];
  teams: { id: string; name: string }[];
  models: string[];
}

/** They begin at whole minutes, hours and days in UTC. */
export type Bucket = 'minute' | 'hour' | 'day';

export interface Sums {
  requests: number;
  tokens: number;
  promptTokens: number;
  completionTokens: number;
  /** US dollars × 10^9; exact up to 9,007,199 dollars. */
  costNanoUsd: number;
  savedNanoUsd: number;
  cacheHits: number;
  errors: number;
  refused: number;
}

export interface Cell extends Sums {
  teamId: string;
  teamName: string;
  /** Empty where no model served. */
  model: string;
}

export type Measure = 'tokens' | 'costNanoUsd' | 'requests' | 'cacheHits';

/** One group of a stacked chart, a value for each bucket. */
export type Series = { id: string; name: string } & Record<Measure, number[]>;
