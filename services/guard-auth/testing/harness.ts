import type { ConfigSnapshot, KeyRecord, Limit, ModelRotation } from '@tollgate/config';
import { type Receipt, type Reservation, Surface, type UsageEvent } from '@tollgate/contracts';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { BudgetStore } from '../adapters/budget-store.ts';
import type { CounterState } from '../domain/charge.ts';
import { abandonedRow } from '../domain/usage-rows.ts';

export const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
export const organizationId = 'acme';
/** A moment in the middle of its hour and day. */
export const startedAtMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_234_567;

export async function connectStore(
  url: string,
  options: { replica?: string; leaseMs?: number; hashTag?: () => string } = {},
): Promise<BudgetStore> {
  const { hashTag, ...ofStore } = options;
  const redis = new RedisConnection({
    ...{ url, name: 'test', deadlineMs: 5000, logger, metrics: createMetrics('test') },
    ...(hashTag && { hashTag }),
  });
  await new Promise<void>((resolve) => redis.onServer(() => resolve()));
  return new BudgetStore(redis, { replica: 'replica-1', ...ofStore });
}

/** An empty server whose counters count as built. */
export async function reset(store: BudgetStore): Promise<void> {
  await store.redis.command('FLUSHALL');
  await store.redis.command('SET', store.keys(organizationId).epoch, store.redis.runId);
}

export function reservation(change: Partial<Reservation> = {}): Reservation {
  return {
    scope: 'team',
    scopeId: 'sample.engineering',
    quantity: 'tokens',
    window: '1h',
    windowStartMs: startedAtMs - 1000,
    windowEndMs: startedAtMs + 3_600_000,
    amount: 100,
    models: [],
    selector: '',
    value: '',
    rate: undefined,
    strictLimit: undefined,
    ...change,
  };
}

export function receipt(requestId: string, reservations: Reservation[] = [reservation()]): Receipt {
  return {
    requestId,
    organizationId,
    organization: organizationId,
    projectId: 'sample',
    project: 'sample',
    teamId: 'sample.engineering',
    team: 'engineering',
    keyId: 'key-1',
    startedAtMs,
    revision: 1,
    reservations,
    estimatedPromptTokens: 60,
    estimatedCompletionTokens: 40,
  };
}

/** A lease's row; `change` makes other events of it. */
export function usageEvent(of: Receipt, change: Partial<UsageEvent> = {}): UsageEvent {
  const row = abandonedRow(of, {
    proxy: 'chat',
    modelRequested: 'gpt-4o',
    surface: Surface.CHAT_COMPLETIONS,
    stream: false,
    metadata: {},
    costNanoUsd: 500,
    priceListVersion: 'p1',
  });
  return { ...row, ...change };
}

export function measured(
  of: Receipt,
  prompt: number,
  completion: number,
  change: Partial<UsageEvent> = {},
): UsageEvent {
  const billed = { prompt, completion, cachedPrompt: 0, reasoning: 0 };
  return usageEvent(of, { version: 3, billed, served: billed, estimated: false, costNanoUsd: prompt * 7, ...change });
}

export async function counter(store: BudgetStore, of: Reservation = reservation()): Promise<CounterState> {
  const [state] = await store.read(organizationId, [of]);
  return state ?? { spent: 0, reserved: 0 };
}

export async function leases(store: BudgetStore): Promise<string[]> {
  const { leases: key } = store.keys(organizationId);
  return (await store.redis.command('ZRANGE', key, 0, -1)) as string[];
}

/** Everything that the server holds, to see that nothing changed. */
export async function dump(store: BudgetStore): Promise<Record<string, string>> {
  const keys = (await store.redis.command('KEYS', '*')) as string[];
  const entries = keys.sort().map(async (key) => [key, String(await store.redis.commandBinary('DUMP', key))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

export function snapshot(limits: { team?: Limit[]; project?: Limit[]; organization?: Limit[] } = {}): ConfigSnapshot {
  return {
    revision: 1,
    appliedAtMs: 0,
    priceListVersion: 'p1',
    organization: { id: organizationId, name: 'Acme' },
    limits: limits.organization ?? [],
    prices: {
      'gpt-4o': { promptNanoPerMillion: 2.5e9, cachedPromptNanoPerMillion: 1.25e9, completionNanoPerMillion: 1e10 },
      mini: { promptNanoPerMillion: 1.5e8, cachedPromptNanoPerMillion: 7.5e7, completionNanoPerMillion: 6e8 },
    },
    providers: [
      {
        name: 'azure',
        type: 'azure-openai',
        endpoint: 'http://127.0.0.1:1',
        insecure: false,
        models: [
          { name: 'gpt-4o', deployment: 'gpt-4o', baseModel: 'gpt-4o' },
          { name: 'gpt-4o-mini', deployment: 'mini', baseModel: 'mini' },
        ],
      },
    ],
    projects: [
      {
        id: 'sample',
        name: 'sample',
        limits: limits.project ?? [],
        teams: [{ id: 'sample.engineering', name: 'engineering', limits: limits.team ?? [] }],
        proxies: [proxy('sample', 'chat')],
      },
      { id: 'other', name: 'other', limits: [], teams: [], proxies: [proxy('other', 'chat')] },
    ],
    warnings: [],
  };
}

function proxy(project: string, name: string): ConfigSnapshot['projects'][number]['proxies'][number] {
  return {
    id: `${project}.${name}`,
    name,
    project,
    version: 'v1.0',
    context: `${project}-${name}`,
    provider: 'azure',
    isDefault: false,
    guardrails: [],
    deadlineMs: 280_000,
  };
}

/** The same with a rotation over these models on every proxy; none of them = no rotation. */
export function withRotation(of: ConfigSnapshot, models: string[]): ConfigSnapshot {
  if (models.length === 0) return of;
  const rotation: ModelRotation = {
    kind: 'modelRotation',
    onError: 'refuse',
    strategy: 'round-robin',
    models: models.map((model) => ({ model, provider: 'azure' })),
    suspendDurationSeconds: 0,
    maxSuspendSeconds: 0,
    attempts: 1,
    override: false,
  };
  const projects = of.projects.map((project) => ({
    ...project,
    proxies: project.proxies.map((each) => ({ ...each, guardrails: [rotation] })),
  }));
  return { ...of, projects };
}

export function limit(change: Partial<Limit>): Limit {
  return { ...tokenLimit(1000), ...change };
}

export function tokenLimit(amount: number, window = '1h', timeZone = 'UTC'): Limit {
  return { quantity: 'tokens', amount, window, mode: 'hard', timeZone };
}

export function keyRecord(change: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: 'key-1',
    hash: 'ab'.repeat(32),
    name: 'test-key',
    lastFive: '12345',
    organizationId,
    projectId: 'sample',
    project: 'sample',
    teamId: 'sample.engineering',
    team: 'engineering',
    createdAtMs: 0,
    ...change,
  };
}
