import { type Reservation, UsageEvent } from '@tollgate/contracts';
import { grantedRow, grantOf } from '../domain/grant.ts';

const colon = 0x3a;
const semicolon = 0x3b;

/**
 * The record of what the hash of receipts holds: `holder:record`, or `holder;choices:record` where the script chose
 * counters or amounts. A choice is a letter for each reservation with a value and for each rate: `d`, and the shared counter was
 * charged instead; `n`, and nothing was. Behind it, under a strict limit, `!` with how many attempts it is reserved for and what
 * was granted (not in a lease that was written again: its receipt has that).
 */
export function recordOf(value: Buffer): Uint8Array {
  const end = value.indexOf(colon);
  const record = value.subarray(end + 1);
  const begin = value.indexOf(semicolon);
  if (begin < 0 || begin > end) return record;
  const [choices = '', granted] = value.toString('latin1', begin + 1, end).split('!');
  const event = UsageEvent.decode(record);
  const [times = 1, ...figures] = granted?.split(',').map(Number) ?? [];
  const row =
    granted === undefined ? event : grantedRow(event, figures.length > 0 ? grantOf(figures) : undefined, times);
  // Amounts are those of all charges: only then those that were not charged leave.
  if (row.receipt) row.receipt.reservations = charged(row.receipt.reservations, choices);
  return UsageEvent.encode(row).finish();
}

function charged(reservations: Reservation[], choices: string): Reservation[] {
  let place = 0;
  return reservations.filter((reservation) => {
    const { value, quantity, rate } = reservation;
    const chosen = rate !== undefined || (value !== '' && quantity !== 'concurrency') ? choices[place++] : 'o';
    if (chosen === 'd') reservation.value = '';
    return chosen !== 'n';
  });
}
