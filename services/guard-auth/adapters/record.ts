import { UsageEvent } from '@tollgate/contracts';
import { grantedRow, grantOf } from '../domain/grant.ts';

const colon = 0x3a;
const semicolon = 0x3b;

/**
 * The record of what the hash of receipts holds: `holder:record`, or `holder;choices:record` where the script chose
 * counters or amounts. A choice is a letter for each reservation with a value: `d`, and the shared counter was charged instead.
 * Behind it, under a strict limit, `!` with how many attempts it is reserved for and what was granted (not in a lease that was
 * written again: its receipt has that).
 */
export function recordOf(value: Buffer): Uint8Array {
  const end = value.indexOf(colon);
  const record = value.subarray(end + 1);
  const begin = value.indexOf(semicolon);
  if (begin < 0 || begin > end) return record;
  const [choices = '', granted] = value.toString('latin1', begin + 1, end).split('!');
  const event = UsageEvent.decode(record);
  let place = 0;
  for (const reservation of event.receipt?.reservations ?? []) {
    if (reservation.value !== '' && reservation.quantity !== 'concurrency' && choices[place++] === 'd')
      reservation.value = '';
  }
  if (granted === undefined) return UsageEvent.encode(event).finish();
  const [times = 1, ...figures] = granted.split(',').map(Number);
  const grant = figures.length > 0 ? grantOf(figures) : undefined;
  return UsageEvent.encode(grantedRow(event, grant, times)).finish();
}
