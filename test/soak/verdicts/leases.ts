import { type Facts, nameOf, type Verdict } from './facts.ts';

const writtenOff = 1;

/** First message of a request's usage, by version. */
type FirstSeq = Map<number, number>;

/**
 * A request whose owner lives is not written off, however long it runs. After its end it may be: when its settler was killed and the
 * lease ran out before the usage came again. That changes nothing, since what was measured stands.
 */
export function leasesAreRenewed({ outcomes, streamed }: Pick<Facts, 'outcomes' | 'streamed'>): Verdict {
  const requests = new Map<string, FirstSeq>();
  for (const { event, seq, repeated } of streamed) {
    if (repeated) continue;
    const id = event.receipt?.requestId ?? '';
    const versions: FirstSeq = requests.get(id) ?? new Map();
    if (!versions.has(event.version)) versions.set(event.version, seq);
    requests.set(id, versions);
  }
  const findings: string[] = [];
  const figures = { writtenOff: 0, writtenOffAfterEnd: 0, streamsOutlivedLease: 0 };
  const wronged = new Set<string>();
  for (const [id, versions] of requests) {
    const seq = versions.get(writtenOff);
    if (seq === undefined) continue;
    figures.writtenOff++;
    if (versions.size === 1) continue;
    if ([...versions].some(([version, other]) => version > writtenOff && other < seq)) figures.writtenOffAfterEnd++;
    else wronged.add(id);
  }
  const byId = new Map(outcomes.map((outcome) => [outcome.requestId, outcome]));
  for (const id of wronged) {
    const outcome = byId.get(id);
    findings.push(`${outcome ? nameOf(outcome) : id} was written off while its owner had it`);
  }
  const long = outcomes.filter(({ plan }) => plan.kind === 'long');
  figures.streamsOutlivedLease = long.filter(({ end }) => end === 'whole').length;
  if (long.length > 0 && figures.streamsOutlivedLease === 0)
    findings.push('no stream outlived a lease: nothing was shown');
  return { name: 'no living request is written off', figures, findings };
}
