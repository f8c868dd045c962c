import { globSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Decisions alone: each file is over in less time than a process takes to start, sets nothing for its whole process, and has no hook
 * outside of a suite, which would be one for all files.
 */
const decisionPatterns = [
  // The other one measures the processor time of its thread.
  'services/*/domain/**/!(linear).test.ts',
  // The other one sets the clock.
  'apps/web/domain/!(watch).test.ts',
  'packages/config/{,file/,model/}*.test.ts',
  'packages/{contracts,errors}/**/*.test.ts',
  'infra/{bench,checks}/**/*.test.ts',
  'infra/docker/!(make-env).test.ts',
  'test/soak/**/*.test.ts',
];

/**
 * What takes longest comes first, so that no core waits for a last long file; the two that wait most, for JetStream to deliver again,
 * not at the same time.
 */
const patterns = [
  'services/analytics/analytics.test.ts',
  'infra/launcher/launcher.test.ts',
  'infra/clickhouse-dev/*.test.ts',
  'packages/ledger/**/*.test.ts',
  'services/analytics/limit-events.test.ts',
  'services/*/*.test.ts',
  'services/guard-pii/domain/linear.test.ts',
  '{packages,services,infra,apps}/**/*.test.ts',
  'test/soak/**/*.test.ts',
];

/** Absolute paths, each once, without those that are for `npm run test:faults`. */
function filesOf(all: readonly string[]): string[] {
  const exclude = (name: string) => name === 'node_modules';
  const found = new Set(all.flatMap((pattern) => globSync(pattern, { cwd: root, exclude }).sort()));
  return [...found].filter((file) => !file.endsWith('.long.test.ts')).map((file) => path.join(root, file));
}

/** Tests beside the code that run together in one process. */
export const decisionFiles = (): string[] => filesOf(decisionPatterns);

/** Those that need a process each, in the order in which they start. */
export function ownProcessFiles(): string[] {
  const decisions = new Set(decisionFiles());
  return filesOf(patterns).filter((file) => !decisions.has(file));
}
