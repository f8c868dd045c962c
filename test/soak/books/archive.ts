import { Receipt, RequestStatus, UsageEvent } from '@tollgate/contracts';
import { archiveTeam, organization } from '../installation/configuration.ts';

const hourMs = 3_600_000;
const nothing = new Uint8Array(0);
const writtenOffVersion = 1;
const measuredVersion = 3;

/** What the archive team used, however often it is told. */
export const archived = { requests: 60, tokens: 10_140, costNanoUsd: 61_770 } as const;

/**
 * Usage of some hours ago, as it comes from a replica that was cut off: for hours that pages read from the rollup. Every third
 * request was first written off and then measured.
 */
export function archivedUsage(nowMs: number): UsageEvent[] {
  return Array.from({ length: archived.requests }, (_, number) => {
    const startedAtMs = Math.floor(nowMs / hourMs) * hourMs - (4 + (number % 3)) * hourMs + number * 1000;
    const receipt: Receipt = {
      ...Receipt.decode(nothing),
      requestId: `archived-${number}`,
      organizationId: organization,
      organization,
      projectId: archiveTeam.project,
      project: archiveTeam.project,
      teamId: archiveTeam.id,
      team: archiveTeam.name,
      keyId: 'archived',
      startedAtMs,
      revision: 1,
    };
    const measured: UsageEvent = {
      ...UsageEvent.decode(nothing),
      receipt,
      version: measuredVersion,
      provider: 'simulator',
      model: 'gpt-4o',
      baseModel: 'gpt-4o',
      status: RequestStatus.COMPLETED,
      httpStatus: 200,
      billed: { prompt: 100 + number, completion: 10 + number, cachedPrompt: 0, reasoning: 0 },
      costNanoUsd: 1000 + number,
      finishedAtMs: startedAtMs + 500,
    };
    const writtenOff = { ...measured, version: writtenOffVersion, status: RequestStatus.ABANDONED, model: '' };
    return number % 3 === 0 ? [writtenOff, measured] : [measured];
  }).flat();
}
