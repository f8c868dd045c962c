import { parentPort } from 'node:worker_threads';
import type { Surface } from '@tollgate/contracts';
import { toErrorDetail } from '@tollgate/errors';
import { indexBody } from '../domain/body/index-body.ts';

/** Indexes large bodies off the main thread; the bytes come and go without being copied. */
parentPort?.on('message', ({ id, body, surface }: { id: number; body: Uint8Array<ArrayBuffer>; surface: Surface }) => {
  try {
    const index = indexBody(Buffer.from(body.buffer, body.byteOffset, body.byteLength), surface);
    parentPort?.postMessage({ id, body, index }, [body.buffer]);
  } catch (error) {
    parentPort?.postMessage({ id, error: toErrorDetail(error) });
  }
});
