import type { LedgerClient, QueryOptions } from '../client.ts';
import { utc } from '../row.ts';

export type BudgetScope = 'organization' | 'project' | 'team' | 'key';

/** One window of a budget, `startMs` included, `endMs` excluded. */
export interface BudgetWindow {
  scope: BudgetScope;
  scopeId: string;
  startMs: number;
  endMs: number;
  /** Only what these models served, or no known one; empty = all. */
  models: readonly string[];
  /** Only what was reserved in the counters of one limit, and by their values; undefined = all usage of the scope. */
  counters?: BudgetCounters | undefined;
}

/** The counters of a limit that counts callers apart, as reservations name them. */
interface BudgetCounters {
  selector: string;
  quantity: string;
  window: string;
}

export interface BudgetSum extends Figures {
  window: BudgetWindow;
  /** Of a window with counters: each value's part. */
  values: Map<string, Figures>;
}

export interface Figures {
  requests: number;
  promptTokens: number;
  completionTokens: number;
  cachedPromptTokens: number;
  reasoningTokens: number;
  costNanoUsd: number;
}

/** A charge that a later version of its request may still replace. */
export interface UnmeasuredRow {
  requestId: string;
  version: number;
  startedAtMs: number;
  projectId: string;
  teamId: string;
  keyId: string;
  /** What served, or was asked for where nothing did; empty when nobody knows. */
  model: string;
  /** JSON of what was reserved; empty where no window asks for counters. */
  reservations: string;
  /** 1 when something was reserved for it, so that it counts as a request; else 0. */
  requests: number;
  promptTokens: number;
  completionTokens: number;
  cachedPromptTokens: number;
  reasoningTokens: number;
  costNanoUsd: number;
}

export interface BudgetSumsQuestion extends QueryOptions {
  organizationId: string;
  windows: readonly BudgetWindow[];
  /** Only rows that came with this sequence of USAGE or an earlier one. */
  upToSeq: number;
  /** Rows that started at this moment or later and are not measured are told one by one. */
  unmeasuredSinceMs: number;
}

export interface BudgetSums {
  /** One a window, in the order of the question. */
  sums: BudgetSum[];
  unmeasured: UnmeasuredRow[];
}

/** Windows of one scope and the same times are one query: a rolling limit of many teams is 13, whatever their number. */
const QUERIES_MAX = 10_000;
/** Of one query: a ClickHouse server takes 128 KiB for one value of the URL. */
const IDS_MAX = 1000;
/** More than a day of estimates of a large organization; above it the answer would be incomplete, so there is none. */
const UNMEASURED_MAX = 100_000;

const SCOPE_COLUMNS: Readonly<Record<BudgetScope, string>> = {
  organization: 'organization_id',
  project: 'project_id',
  team: 'team_id',
  key: 'key_id',
};

/** The column that holds a scope's ids. */
export function scopeColumn(scope: BudgetScope): string {
  return SCOPE_COLUMNS[scope];
}

const FIGURES = `sum(e.prompt_tokens) AS promptTokens, sum(e.completion_tokens) AS completionTokens,
  sum(e.cached_prompt_tokens) AS cachedPromptTokens, sum(e.reasoning_tokens) AS reasoningTokens, sum(e.cost_nano_usd) AS costNanoUsd`;

const MEASURED = 3;

/** What served; as asked where nothing did; empty where nobody knows: that counts for every filter, as it does in the counters. */
const MODEL = `if(e.model = '', e.model_requested, e.model)`;

/**
 * What the running windows of an organization are rebuilt from: sums up to a sequence, and the charges in them that may still change.
 *
 * Rows that may still be replaced are read once and added here. Summed in the engine, one that is replaced between two queries would be
 * in the one answer and not in the other, and the reader of USAGE from the next sequence on would charge it twice or never.
 * @throws RangeError for windows of more different times, or more unmeasured rows, than are bounded
 */
export async function budgetSums(client: LedgerClient, question: BudgetSumsQuestion): Promise<BudgetSums> {
  const groups = sameTimes(question.windows);
  if (groups.length > QUERIES_MAX)
    throw new RangeError(`windows of at most ${QUERIES_MAX} different times can be asked for at once`);
  const unmeasured = await readUnmeasured(client, question);
  const byWindow = new Map<BudgetWindow, BudgetSum>();
  for (const group of groups) {
    for (const sum of await readSums(client, question, group)) byWindow.set(sum.window, sum);
  }
  const sums = question.windows.map((window) => byWindow.get(window) ?? { window, ...NOTHING, values: new Map() });
  addUnmeasured(sums, unmeasured, question.organizationId);
  return { sums, unmeasured };
}

function readUnmeasured(client: LedgerClient, question: BudgetSumsQuestion): Promise<UnmeasuredRow[]> {
  const reservations = question.windows.some(({ counters }) => counters) ? 'e.reservations' : "''";
  return client
    .rows<UnmeasuredRow>(
      `SELECT e.request_id AS requestId, e.version AS version, toUnixTimestamp64Milli(e.started_at) AS startedAtMs,
         e.project_id AS projectId, e.team_id AS teamId, e.key_id AS keyId, ${MODEL} AS model,
         ${reservations} AS reservations, toUInt8(e.reservations != '') AS requests,
         e.prompt_tokens AS promptTokens, e.completion_tokens AS completionTokens, e.cached_prompt_tokens AS cachedPromptTokens,
         e.reasoning_tokens AS reasoningTokens, e.cost_nano_usd AS costNanoUsd
       FROM usage_events AS e FINAL
       WHERE e.organization_id = {organizationId:String} AND e.started_at >= {since:DateTime64(3, 'UTC')}
         AND e.stream_seq <= {upToSeq:UInt64} AND e.version < ${MEASURED}
       ORDER BY e.request_id LIMIT ${UNMEASURED_MAX + 1}`,
      {
        organizationId: question.organizationId,
        since: utc(question.unmeasuredSinceMs),
        upToSeq: question.upToSeq,
      },
      question,
    )
    .then((rows) => {
      if (rows.length > UNMEASURED_MAX)
        throw new RangeError(`more than ${UNMEASURED_MAX} charges are not measured yet`);
      return rows;
    });
}

async function readSums(
  client: LedgerClient,
  question: BudgetSumsQuestion,
  windows: readonly [BudgetWindow, ...BudgetWindow[]],
): Promise<BudgetSum[]> {
  const [{ scope, startMs, endMs, models, counters }] = windows;
  const rows = await client.rows<Figures & { scopeId: string; value: string }>(
    `SELECT e.${SCOPE_COLUMNS[scope]} AS scopeId, ${counters ? 'r.value' : "''"} AS value, countIf(e.reservations != '') AS requests, ${FIGURES}
     FROM usage_events AS e FINAL ${counters ? `ARRAY JOIN ${RESERVATIONS} AS r` : ''}
     WHERE e.organization_id = {organizationId:String} AND e.${SCOPE_COLUMNS[scope]} IN {ids:Array(String)}
       AND e.started_at >= {from:DateTime64(3, 'UTC')} AND e.started_at < {to:DateTime64(3, 'UTC')}
       AND e.stream_seq <= {upToSeq:UInt64}${models.length > 0 ? ` AND ${MODEL} IN {models:Array(String)}` : ''}
       AND (e.version >= ${MEASURED} OR e.started_at < {since:DateTime64(3, 'UTC')})
       ${counters ? OF_COUNTERS : ''}
     GROUP BY scopeId, value`,
    {
      organizationId: question.organizationId,
      ids: windows.map((window) => window.scopeId),
      from: utc(startMs),
      to: utc(endMs),
      upToSeq: question.upToSeq,
      since: utc(question.unmeasuredSinceMs),
      ...(models.length > 0 && { models: [...models, ''] }),
      ...(counters && { scope, selector: counters.selector, quantity: counters.quantity, window: counters.window }),
    },
    question,
  );
  const byId = Map.groupBy(rows, ({ scopeId }) => scopeId);
  return windows.map((window) => {
    const sum: BudgetSum = { window, ...NOTHING, values: new Map() };
    for (const { scopeId: _, value, ...figures } of byId.get(window.scopeId) ?? []) addTo(sum, value, figures);
    return sum;
  });
}

/** Reservations as the receipt's JSON has them; only rows that name the selector are unfolded. */
const RESERVATIONS = `if(position(e.reservations, {selector:String}) = 0, [],
    JSONExtract(e.reservations, 'Array(Tuple(scope String, quantity String, window String, selector String, value String))'))`;
const OF_COUNTERS = `AND r.scope = {scope:String} AND r.selector = {selector:String} AND r.quantity = {quantity:String}
       AND r.window = {window:String}`;

const NOTHING = {
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedPromptTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0,
};

/** One query answers the windows of one scope with the same beginning, end and models, of the same counters, so many ids that they fit into an URL. */
function sameTimes(windows: readonly BudgetWindow[]): [BudgetWindow, ...BudgetWindow[]][] {
  const groups: [BudgetWindow, ...BudgetWindow[]][] = [];
  const open = new Map<string, [BudgetWindow, ...BudgetWindow[]]>();
  for (const window of windows) {
    const { scope, startMs, endMs, models, counters } = window;
    const key = JSON.stringify([scope, startMs, endMs, models, counters]);
    const group = open.get(key);
    if (group && group.length < IDS_MAX) {
      group.push(window);
    } else {
      const next: [BudgetWindow, ...BudgetWindow[]] = [window];
      groups.push(next);
      open.set(key, next);
    }
  }
  return groups;
}

function addUnmeasured(sums: readonly BudgetSum[], rows: readonly UnmeasuredRow[], organizationId: string): void {
  const byScope = Map.groupBy(sums, ({ window }) => `${window.scope} ${window.scopeId}`);
  for (const row of rows) {
    const scopes = [
      `organization ${organizationId}`,
      `project ${row.projectId}`,
      `team ${row.teamId}`,
      `key ${row.keyId}`,
    ];
    for (const sum of scopes.flatMap((scope) => byScope.get(scope) ?? [])) {
      if (!isIn(sum.window, row)) continue;
      for (const value of valuesIn(sum.window, row)) addTo(sum, value, row);
    }
  }
}

function isIn({ startMs, endMs, models }: BudgetWindow, row: UnmeasuredRow): boolean {
  if (row.startedAtMs < startMs || row.startedAtMs >= endMs) return false;
  return models.length === 0 || row.model === '' || models.includes(row.model);
}

/** Whose counters a row was charged in; without counters it is the scope's own sum, once. */
function valuesIn({ scope, counters }: BudgetWindow, { reservations }: UnmeasuredRow): string[] {
  if (!counters) return [''];
  if (!reservations.includes(counters.selector)) return [];
  const all = JSON.parse(reservations) as {
    scope: string;
    quantity: string;
    window: string;
    selector: string;
    value: string;
  }[];
  const { selector, quantity, window } = counters;
  return all
    .filter((r) => r.scope === scope && r.selector === selector && r.quantity === quantity && r.window === window)
    .map(({ value }) => value);
}

/** Adds to the whole and, where counters were asked for, to one value's part. */
function addTo(sum: BudgetSum, value: string, figures: Figures): void {
  add(sum, figures);
  if (!sum.window.counters) return;
  const part = sum.values.get(value) ?? { ...NOTHING };
  add(part, figures);
  sum.values.set(value, part);
}

function add(sum: Figures, figures: Figures): void {
  for (const name of Object.keys(NOTHING) as (keyof Figures)[]) sum[name] += figures[name];
}
