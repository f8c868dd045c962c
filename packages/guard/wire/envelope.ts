import { encode, GuardRequest } from '@tollgate/contracts';
import { WireFault } from './part-assembler.ts';

/** Fields of GuardRequest from this number on are calls, with the texts in them. */
const callFieldMin = 10;

/**
 * All of an encoded GuardRequest but its call, without touching the texts in it: a large request goes to a thread as it
 * came, and only its envelope is read here. Throws WireFault when it is none.
 */
export function readEnvelope(bytes: Uint8Array): GuardRequest {
  const fields: Uint8Array[] = [];
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    const tag = readVarint(cursor);
    const value = readVarint(cursor);
    if ((tag & 7) === 2) cursor.at += value;
    else if ((tag & 7) !== 0) throw new WireFault('a GuardRequest has no such field');
    if (tag >>> 3 < callFieldMin) fields.push(bytes.subarray(start, cursor.at));
  }
  if (cursor.at > bytes.length) throw new WireFault('GuardRequest cut short');
  return GuardRequest.decode(Buffer.concat(fields));
}

/** What makes an encoded request with neither this one: to be appended to it. */
export function envelopeOf(id: number, timeoutMs: number): Uint8Array {
  const empty = { requestId: '', revision: 0, proxy: '', guardrail: 0, call: undefined };
  return encode(GuardRequest, { ...empty, id, timeoutMs });
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
