import os from 'node:os';
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { GuardReply, type Surface } from '@tollgate/contracts';
import { toErrorDetail } from '@tollgate/errors';
import { Body } from '../domain/body/body.ts';
import { type BodyIndex, indexBody } from '../domain/body/index-body.ts';
import { encodePiiRequest, type PiiAddress } from './pii-request.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export type Job =
  | { kind: 'read'; id: number; body: Bytes; surface: Surface; pii: PiiAddress | undefined; bounded: boolean }
  | { kind: 'mask'; id: number; body: Bytes; index: BodyIndex; reply: Bytes };

// On Linux the call is about the calling thread alone: large requests yield to the small ones where cores are few.
if (process.platform === 'linux') os.setPriority(5);

// Large bodies are read, their texts encoded for guard-pii and its answer put in here, off the main thread. The bytes
// come and go without being copied.
parentPort?.on('message', (job: Job) => {
  try {
    if (job.kind === 'read') read(job);
    else mask(job);
  } catch (error) {
    parentPort?.postMessage({ id: job.id, error: toErrorDetail(error) });
  }
});

function read({ id, body, surface, pii, bounded }: Extract<Job, { kind: 'read' }>): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const index = indexBody(bytes, surface, bounded);
  const encodedPii = pii && encodePiiRequest(pii, new Body(bytes, index).textBytes());
  parentPort?.postMessage(
    { id, body, index, encodedPii },
    encodedPii ? [body.buffer, encodedPii.buffer] : [body.buffer],
  );
}

function mask({ id, body, index, reply }: Extract<Job, { kind: 'mask' }>): void {
  const { result } = GuardReply.decode(reply);
  const before = new Body(Buffer.from(body.buffer, body.byteOffset, body.byteLength), index);
  const after = result?.$case === 'pii' ? before.withTexts(result.value.masked) : before;
  // The texts themselves are in the body now; what else the guard said is small.
  const said = result?.$case === 'pii' ? { ...result, value: { ...result.value, masked: [] } } : result;
  const bytes = new Uint8Array(after.bytes);
  parentPort?.postMessage({ id, body: bytes, index: after.index, said }, [bytes.buffer]);
}
