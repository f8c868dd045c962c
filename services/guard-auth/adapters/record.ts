import { UsageEvent } from '@tollgate/contracts';

const colon = 0x3a;
const semicolon = 0x3b;

/**
 * The record of what the hash of receipts holds: `holder:record`, or `holder;choices:record` where the script chose
 * counters. A choice is a letter for each reservation with a value: `d`, and the shared counter was charged instead.
 */
export function recordOf(value: Buffer): Uint8Array {
  const end = value.indexOf(colon);
  const record = value.subarray(end + 1);
  const begin = value.indexOf(semicolon);
  if (begin < 0 || begin > end) return record;
  const choices = value.toString('latin1', begin + 1, end);
  const event = UsageEvent.decode(record);
  let place = 0;
  for (const reservation of event.receipt?.reservations ?? []) {
    if (reservation.value !== '' && reservation.quantity !== 'concurrency' && choices[place++] === 'd')
      reservation.value = '';
  }
  return UsageEvent.encode(event).finish();
}
