import { type Reservation, UsageEvent } from '@tollgate/contracts';

const colon = 0x3a;
const semicolon = 0x3b;

/**
 * The record of what the hash of receipts holds: `holder:record`, or `holder;choices:record` where the script chose
 * counters. A choice is a letter for each reservation with a value and for each rate: `d`, and the shared counter was
 * charged instead; `n`, and nothing was.
 */
export function recordOf(value: Buffer): Uint8Array {
  const end = value.indexOf(colon);
  const record = value.subarray(end + 1);
  const begin = value.indexOf(semicolon);
  if (begin < 0 || begin > end) return record;
  const choices = value.toString('latin1', begin + 1, end);
  const event = UsageEvent.decode(record);
  if (event.receipt) event.receipt.reservations = charged(event.receipt.reservations, choices);
  return UsageEvent.encode(event).finish();
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
