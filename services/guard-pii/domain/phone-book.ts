import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  Metadata,
  type NumberingPlan,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';

/** Verdicts kept within one scan, so that a repeated number costs a lookup. */
const verdictsMax = 4096;

export interface Region {
  code: CountryCode;
  /** Numbers in national form begin with it; empty where there is none. */
  trunk: string;
  digitsMin: number;
  digitsMax: number;
  /** Shares +1 and the form 415-555-2671. */
  isNorthAmerican: boolean;
}

/** @throws Error naming a code that libphonenumber does not know */
export function regionOf(code: string): Region {
  if (!isSupportedCountry(code as CountryCode))
    throw new Error(`"${code}" is no region: two letters as in ISO 3166, like US`);
  const metadata = new Metadata();
  metadata.selectNumberingPlan(code as CountryCode);
  // The method is there; the package's types leave it out.
  const plan = metadata.numberingPlan as (NumberingPlan & { nationalPrefix(): string | 0 | undefined }) | undefined;
  const lengths = plan?.possibleLengths() ?? [];
  const trunk = plan?.nationalPrefix() || '';
  return {
    code: code as CountryCode,
    trunk,
    digitsMin: Math.min(...lengths) + trunk.length,
    digitsMax: Math.max(...lengths) + trunk.length,
    isNorthAmerican: getCountryCallingCode(code as CountryCode) === '1',
  };
}

/**
 * Asks libphonenumber, ten microseconds a question, and remembers. One a scan: verdicts are a caller's numbers and must
 * not outlive the call. Throws ScanTooCostly when more was asked than `questionsMax`.
 */
export class PhoneBook {
  readonly #verdicts = new Map<string, string>();
  #questionsLeft: number;

  constructor(questionsMax = Number.POSITIVE_INFINITY) {
    this.#questionsLeft = questionsMax;
  }

  /** E.164 of a valid number; undefined when there is no such number. `digits` may begin with +. */
  e164(digits: string, region?: CountryCode): string | undefined {
    const key = region === undefined ? digits : region + digits;
    let verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      if (this.#questionsLeft-- <= 0) throw new ScanTooCostly();
      const number = parsePhoneNumberFromString(digits, { defaultCountry: region, extract: false });
      verdict = number?.isValid() === true ? number.number : '';
      if (this.#verdicts.size >= verdictsMax) this.#verdicts.clear();
      this.#verdicts.set(key, verdict);
    }
    return verdict === '' ? undefined : verdict;
  }

  /** Groups of digits as the region writes this number in national form: "612 34 56 78" gives 3, 2, 2, 2. */
  nationalGroups(digits: string, region: CountryCode): number[] {
    const formatted = parsePhoneNumberFromString(digits, { defaultCountry: region, extract: false })?.formatNational();
    return formatted?.match(/\d+/g)?.map(({ length }) => length) ?? [];
  }
}

/** More candidates than a scan on the main thread may cost. */
export class ScanTooCostly extends Error {
  override readonly name = 'ScanTooCostly';
}
