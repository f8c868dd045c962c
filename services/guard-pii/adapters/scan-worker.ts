import os from 'node:os';
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { encode, GuardReply, GuardRequest } from '@tollgate/contracts';
import { mask } from '../domain/mask.ts';
import { regionOf } from '../domain/phone-book.ts';
import type { ScanOrder, ScanReport, ScanSetup } from './scan-messages.ts';

// Decodes, scans and encodes large requests, so that the main thread never touches their texts. What is thrown here ends
// the thread; the pool tells no more of it than its class.
const { regions } = workerData as ScanSetup;
const known = regions.map(regionOf);

// On Linux the call is about the calling thread alone: large requests yield to the small ones where cores are few.
if (process.platform === 'linux') os.setPriority(5);

parentPort?.on('message', ({ request, kinds, mode }: ScanOrder) => {
  const { id, call } = GuardRequest.decode(request);
  const texts = call?.$case === 'pii' ? call.value.texts : [];
  const value = mask(texts, { kinds: new Set(kinds), regions: known, mode });
  const bytes = encode(GuardReply, { id, result: { $case: 'pii', value } });
  const report: ScanReport = { reply: bytes as Uint8Array<ArrayBuffer>, entities: value.entities };
  parentPort?.postMessage(report, [report.reply.buffer]);
});
