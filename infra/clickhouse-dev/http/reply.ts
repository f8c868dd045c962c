import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { deflate, gzip, zstdCompress } from 'node:zlib';
import type { Answer, Query } from '../engine/engine.ts';
import type { EngineException } from '../engine/exception.ts';
import { answerFormat, contentType } from './formats.ts';
import { httpStatus } from './statuses.ts';

const ENCODERS = {
  gzip: promisify(gzip) as (data: Buffer) => Promise<Buffer>,
  zstd: promisify(zstdCompress) as (data: Buffer) => Promise<Buffer>,
  deflate: promisify(deflate) as (data: Buffer) => Promise<Buffer>,
} as const;

/** Compressing less than this costs more than it saves on the loopback. */
const COMPRESS_BYTES_MIN = 1024;

/** ClickHouse's headers and the complete result. Compressed only when `enable_http_compression` asks for it, as the server does. */
export async function sendAnswer(request: IncomingMessage, response: ServerResponse, query: Query, answer: Answer) {
  const format = answerFormat(query.sql, query.format);
  response.setHeader('Content-Type', contentType(format));
  response.setHeader('X-ClickHouse-Format', format);
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  response.setHeader('X-ClickHouse-Summary', summary(answer));
  const wanted = query.settings.get('enable_http_compression') === '1' ? encoding(request) : undefined;
  if (!wanted || answer.body.length < COMPRESS_BYTES_MIN) {
    response.end(answer.body);
    return;
  }
  const packed = await ENCODERS[wanted](answer.body);
  response.setHeader('Content-Encoding', wanted);
  response.end(packed);
}

/** The error as text with its code in a header: @clickhouse/client makes a ClickHouseError of it. */
export function sendException(response: ServerResponse, exception: EngineException, version: string): void {
  const status = httpStatus(exception.code);
  if (status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  if (status === 503) response.setHeader('Retry-After', '1');
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('X-ClickHouse-Exception-Code', String(exception.code));
  response.statusCode = status;
  response.end(`${exception.message} (version ${version})\n`);
}

function encoding(request: IncomingMessage): keyof typeof ENCODERS | undefined {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  return (['gzip', 'zstd', 'deflate'] as const).find((name) => accepted.includes(name));
}

/** The figures are strings, as ClickHouse sends them. Rows of the result are not known to chDB and stay 0. */
function summary(answer: Answer): string {
  return JSON.stringify({
    read_rows: String(answer.readRows),
    read_bytes: String(answer.readBytes),
    written_rows: String(answer.writtenRows),
    written_bytes: String(answer.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(answer.writtenRows),
    result_bytes: String(answer.writtenBytes),
    elapsed_ns: String(answer.elapsedNs),
  });
}
