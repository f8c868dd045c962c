const nanoPerUsd = 1_000_000_000;

/** Nano-dollars as a decimal number of dollars without an exponent, e.g. `0.00001275`. */
export function usdText(costNanoUsd: number): string {
  const whole = Math.floor(costNanoUsd / nanoPerUsd);
  const rest = String(costNanoUsd % nanoPerUsd)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return rest === '' ? String(whole) : `${whole}.${rest}`;
}
