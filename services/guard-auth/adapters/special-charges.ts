import { type Charge, counterExpiresAtMs } from '../domain/charge.ts';
import { partsOfWindow } from '../domain/limit-windows.ts';
import { noLimit } from '../domain/plan.ts';
import type { BudgetKeys } from './keys.ts';

/** Numbers of the script's answer for each of them, beside spent and reserved. */
export const moreOfSpecial = 2;

/** Charges for which the script has more to do than to add to one counter, in the order in which it answers. */
export class SpecialCharges {
  readonly places: number[] = [];
  readonly #keys: BudgetKeys;
  readonly #charges: Charge[] = [];

  constructor(keys: BudgetKeys) {
    this.#keys = keys;
  }

  static has({ valuesMax, rolling, rate }: Charge): boolean {
    return valuesMax !== undefined || rolling !== undefined || rate !== undefined;
  }

  add(place: number, charge: Charge): void {
    this.places.push(place);
    this.#charges.push(charge);
  }

  /** As reserve.lua reads them. Their keys are added to `names`. */
  json(names: string[]): string {
    return JSON.stringify(this.#charges.map((charge) => this.#entry(charge, names)));
  }

  #entry({ reservation, limit, valuesMax, rolling, rate }: Charge, names: string[]) {
    const keys = this.#keys;
    return {
      o: names.push(keys.charged(reservation)),
      a: reservation.amount,
      l: limit,
      e: counterExpiresAtMs(reservation.windowEndMs),
      w: rolling && { s: rolling.startMs, p: rolling.endMs - rolling.startMs, n: partsOfWindow },
      r: rate && { l: rate.amount, p: rate.windowMs, b: rate.burst, h: limit !== noLimit },
      ...(valuesMax !== undefined && {
        d: names.push(keys.charged({ ...reservation, value: '' })),
        v: names.push(keys.values(reservation)),
        m: valuesMax,
        n: reservation.value,
      }),
    };
  }

  /** Places of those for which the script chose this: `d` the shared counter, `n` to charge nothing. */
  chosen(choices: string, choice: 'd' | 'n'): Set<number> | undefined {
    if (!choices.includes(choice)) return undefined;
    const choosing = this.places.filter((_, at) => {
      const { valuesMax, rate } = this.#charges[at] as Charge;
      return valuesMax !== undefined || rate !== undefined;
    });
    return new Set(choosing.filter((_, at) => choices[at] === choice));
  }
}
