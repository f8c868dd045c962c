import { type Charge, counterExpiresAtMs } from '../domain/charge.ts';
import type { BudgetKeys } from './keys.ts';

/** Charges for which the script has to choose a counter, in the order in which it answers. */
export class SpecialCharges {
  readonly places: number[] = [];
  readonly #keys: BudgetKeys;
  readonly #charges: { charge: Charge; valuesMax: number }[] = [];

  constructor(keys: BudgetKeys) {
    this.#keys = keys;
  }

  add(place: number, charge: Charge): void {
    this.places.push(place);
    this.#charges.push({ charge, valuesMax: charge.valuesMax ?? 0 });
  }

  /** As reserve.lua reads them. Their keys are added to `names`. */
  json(names: string[]): string {
    const keys = this.#keys;
    return JSON.stringify(
      this.#charges.map(({ charge: { reservation, limit }, valuesMax }) => ({
        o: names.push(keys.counter(reservation)),
        d: names.push(keys.counter({ ...reservation, value: '' })),
        v: names.push(keys.values(reservation)),
        m: valuesMax,
        a: reservation.amount,
        l: limit,
        e: counterExpiresAtMs(reservation.windowEndMs),
      })),
    );
  }

  /** Places of those for which the script chose the shared counter. */
  shared(choices: string): Set<number> | undefined {
    const places = this.places.filter((_, at) => choices[at] === 'd');
    return places.length > 0 ? new Set(places) : undefined;
  }
}
