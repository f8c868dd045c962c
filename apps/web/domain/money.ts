const nanoPerUsd = 1_000_000_000n;
const digitsMax = 9;
const digitsMin = 2;

/** How many digits after the point show all of these amounts exactly, at least two. */
export function digitsFor(amountsNanoUsd: readonly number[]): number {
  return Math.max(digitsMin, ...amountsNanoUsd.map(digitsOf));
}

/** Nano-dollars as dollars: `$1,234.50`, `-$0.000000001`. Never rounded: with fewer digits than it needs it takes more. */
export function formatNanoUsd(nanoUsd: number, digits = digitsMin): string {
  const nano = BigInt(nanoUsd);
  const size = nano < 0n ? -nano : nano;
  const shown = Math.max(digits, digitsOf(nanoUsd));
  const fraction = (size % nanoPerUsd).toString().padStart(digitsMax, '0').slice(0, shown);
  return `${nano < 0n ? '-' : ''}$${(size / nanoPerUsd).toLocaleString('en-US')}.${fraction}`;
}

function digitsOf(nanoUsd: number): number {
  const fraction = (BigInt(nanoUsd) % nanoPerUsd).toString().replace('-', '').padStart(digitsMax, '0');
  return Math.max(digitsMin, fraction.replace(/0+$/, '').length);
}
