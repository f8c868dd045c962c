import { GuardRequest } from '@tollgate/contracts';
import { WireFault } from './part-assembler.ts';

const idTag = 1 << 3;
const timeoutTag = 3 << 3;

/**
 * Id and timeout of an encoded GuardRequest, without decoding the texts in it: a large request goes to a thread as it
 * came, and only its envelope is read here. The last value of a field counts, as everywhere in protobuf.
 */
export function readEnvelope(bytes: Uint8Array): { id: number; timeoutMs: number } {
  const envelope = { id: 0, timeoutMs: 0 };
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = readVarint(cursor);
    if ((tag & 7) === 2) {
      const length = readVarint(cursor);
      cursor.at += length;
    } else if ((tag & 7) === 0) {
      const value = readVarint(cursor);
      if (tag === idTag) envelope.id = value;
      else if (tag === timeoutTag) envelope.timeoutMs = value;
    } else {
      throw new WireFault('a GuardRequest has no such field');
    }
  }
  if (cursor.at > bytes.length) throw new WireFault('GuardRequest cut short');
  return envelope;
}

/** What makes an encoded request with neither this one: to be appended to it. */
export function envelopeOf(id: number, timeoutMs: number): Uint8Array {
  const empty = { requestId: '', revision: 0, proxy: '', guardrail: 0, call: undefined };
  return GuardRequest.encode({ ...empty, id, timeoutMs }).finish();
}

function readVarint(cursor: { bytes: Uint8Array; at: number }): number {
  let value = 0;
  for (let power = 1; ; power *= 128) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined || power > 2 ** 63) throw new WireFault('GuardRequest cut short');
    value += (byte & 0x7f) * power;
    if (byte < 0x80) return value;
  }
}
