import type { EngineName } from './types.ts';

/**
 * The oldest version of each engine that Tollgate runs on. NATS 2.10.20–22 could lose streams in a crash; Redis has
 * vector sets from 8.0 on; the ledger's schema was tried on ClickHouse 25.3 (the oldest supported LTS) and later.
 */
export const versionMin: Readonly<Record<EngineName, string>> = {
  nats: '2.10.23',
  redis: '8.0.0',
  cacheRedis: '8.0.0',
  clickhouse: '25.3.0',
};

/** The budget store uses commands of 7.2 only, so one that is named by URL may be that old (managed Valkey). */
export const budgetStoreVersionMin = '7.2.0';

/** Negative, zero or positive, by the numbers from left to right; what follows a `-` or `+` does not count. */
export function compareVersions(left: string, right: string): number {
  const leftParts = numbersOf(left);
  const rightParts = numbersOf(right);
  for (let at = 0; at < Math.max(leftParts.length, rightParts.length); at += 1) {
    const difference = (leftParts[at] ?? 0) - (rightParts[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first thing in `text` that looks like a version (`v2.10.27` → `2.10.27`). */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+(\.\d+)*/.exec(text)?.[0];
}

function numbersOf(version: string): number[] {
  return (version.split(/[-+]/)[0] ?? '').split('.').map((part) => Number.parseInt(part, 10) || 0);
}
