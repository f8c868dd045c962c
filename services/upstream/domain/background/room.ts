import type { BackgroundUse } from '@tollgate/bus';

/** What is admitted still has its answer to come: the last fifth is for that. */
const admittedShare = 0.8;

/** Whether another request may be put into the background. */
export function hasRoom({ queued, queueMax, bytes, bytesMax }: BackgroundUse): boolean {
  return queued < queueMax && bytes < bytesMax * admittedShare;
}
