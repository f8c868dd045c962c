import { randomBytes } from 'node:crypto';

/** Random bytes are drawn in bulk: one call to the system a few hundred requests. */
const poolBytes = 4096;
const randomBytesPerId = 10;
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

let pool = Buffer.alloc(0);
let used = 0;

/**
 * A new request id: `req_`, the time in ten characters, 80 random bits (the layout of a ULID, so ids sort by time).
 * Always minted here: a caller's reused x-request-id would merge two requests' rows.
 */
export function mintRequestId(nowMs: number): string {
  let id = '';
  let time = nowMs;
  for (let i = 0; i < 10; i++) {
    id = alphabet[time % 32] + id;
    time = Math.floor(time / 32);
  }
  if (used + randomBytesPerId > pool.length) {
    pool = randomBytes(poolBytes);
    used = 0;
  }
  for (let i = 0; i < randomBytesPerId; i += 5) {
    const high = pool.readUInt32BE(used + i);
    const low = pool[used + i + 4] as number;
    for (let shift = 27; shift >= 0; shift -= 5) id += alphabet[(high >>> shift) & 31];
    id += alphabet[((high & 3) << 3) | (low >>> 5)];
    id += alphabet[low & 31];
  }
  used += randomBytesPerId;
  return `req_${id}`;
}
