import type { SoakReport } from './soak.ts';

const findingsShown = 12;

/** What held, with its figures, and what did not. */
export function reportText({ verdicts, kills, memoryMib, home }: SoakReport): string {
  const lines = verdicts.flatMap(({ name, figures, findings }) => [
    `${findings.length === 0 ? '✓' : '✗'} ${name}`,
    `    ${Object.entries(figures)
      .map(([figure, value]) => `${figure} ${value}`)
      .join(', ')}`,
    ...findings.slice(0, findingsShown).map((finding) => `    - ${finding}`),
    ...(findings.length > findingsShown ? [`    … and ${findings.length - findingsShown} more`] : []),
  ]);
  const { before, after } = memoryMib;
  const memory = Object.entries(after).map(([name, mib]) => `${name} ${before[name] ?? '?'} → ${mib}`);
  const failed = verdicts.filter(({ findings }) => findings.length > 0).length;
  return [
    ...lines,
    `${kills} kills`,
    `resident memory, MiB: ${memory.join(', ')}`,
    failed === 0 ? 'everything held' : `${failed} of ${verdicts.length} did not hold; home and logs: ${home}`,
  ].join('\n');
}

export const held = ({ verdicts }: SoakReport) => verdicts.every(({ findings }) => findings.length === 0);
