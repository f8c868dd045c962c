import { type Facts, nameOf, type Verdict } from './facts.ts';

const writtenOff = 1;

/** A request whose owner lives is not written off, however long it runs. */
export function leasesAreRenewed({ outcomes, streamed }: Pick<Facts, 'outcomes' | 'streamed'>): Verdict {
  const versions = new Map<string, Set<number>>();
  for (const { event } of streamed) {
    const id = event.receipt?.requestId ?? '';
    versions.set(id, (versions.get(id) ?? new Set()).add(event.version));
  }
  const findings: string[] = [];
  let abandoned = 0;
  for (const [id, of] of versions) {
    if (id.startsWith('archived-') || !of.has(writtenOff)) continue;
    abandoned++;
    if (of.size > 1) findings.push(`${id} was written off while its owner had it`);
  }
  const long = outcomes.filter(({ plan }) => plan.kind === 'long');
  for (const outcome of long)
    if (outcome.end === 'whole' && versions.get(outcome.requestId)?.has(writtenOff))
      findings.push(`${nameOf(outcome)} was answered whole and written off`);
  const whole = long.filter(({ end }) => end === 'whole').length;
  if (long.length > 0 && whole === 0) findings.push('no stream outlived a lease: nothing was shown');
  const figures = { writtenOff: abandoned, streamsOutlivedLease: whole };
  return { name: 'no living request is written off', figures, findings };
}
