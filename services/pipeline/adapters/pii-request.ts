import { encode, GuardRequest } from '@tollgate/contracts';

/** Whom the texts of a body are meant for: a guardrail of a revision's proxy. */
export interface PiiAddress {
  requestId: string;
  revision: number;
  proxy: string;
  guardrail: number;
}

/** `pii` of GuardRequest and `texts` of PiiCall, as they stand before a length: field number and wire type 2. */
const piiTag = (11 << 3) | 2;
const textTag = (1 << 3) | 2;

/**
 * An encoded GuardRequest with a PiiCall of these texts, in memory of its own. The texts are UTF-8, the same bytes that
 * protobuf has for a string: 15 MiB need not become a string and bytes again.
 */
export function encodePiiRequest(address: PiiAddress, texts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const envelope = encode(GuardRequest, { ...address, id: 0, timeoutMs: 0, call: undefined });
  const callBytes = texts.reduce((bytes, text) => bytes + 1 + varintBytes(text.length) + text.length, 0);
  const request = new Uint8Array(envelope.length + 1 + varintBytes(callBytes) + callBytes);
  request.set(envelope);
  let at = writeLength(request, envelope.length, piiTag, callBytes);
  for (const text of texts) {
    at = writeLength(request, at, textTag, text.length);
    request.set(text, at);
    at += text.length;
  }
  return request;
}

/** Returns where the value begins. */
function writeLength(bytes: Uint8Array, at: number, tag: number, length: number): number {
  bytes[at++] = tag;
  let rest = length;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Bytes of a length below 2^31 as a varint of base 128. */
function varintBytes(length: number): number {
  let bytes = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
