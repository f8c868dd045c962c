import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { EngineException } from '../engine/exception.ts';

/** Decompressed bytes of one request: far above the batches that Tollgate writes (10,000 rows are some 8 MiB). */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** @throws EngineException QUERY_IS_TOO_LARGE above {@link BODY_BYTES_MAX}, NOT_IMPLEMENTED for another encoding */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        throw EngineException.of('QUERY_IS_TOO_LARGE', `A request may have ${BODY_BYTES_MAX} bytes`);
      }
      chunks.push(chunk);
    }
  };
  if (encoding === undefined || encoding === 'identity') {
    await pipeline(request, collect);
  } else {
    const decoder = DECODERS[encoding];
    if (!decoder) throw EngineException.of('NOT_IMPLEMENTED', `Content-Encoding ${encoding} is not supported here`);
    await pipeline(request, decoder(), collect);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
