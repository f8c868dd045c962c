import type { PiiMasking } from '@tollgate/config';

/** What the configuration calls it. */
export type Kind = PiiMasking['entities'][number];

/** What happens to a finding: a placeholder, `*****`, or the whole request is refused. */
export type Mode = NonNullable<PiiMasking['mode']> | 'mask';

/** The name in placeholders and in the ledger. */
export const entityNames: Record<Kind, string> = { email: 'EMAIL', phone: 'PHONE', ssn: 'SSN' };

/** One finding in a text: [start, end) in UTF-16 units. */
export interface Span {
  kind: Kind;
  start: number;
  end: number;
  /** The same for two ways of writing the same value, so that both get the same placeholder. */
  value: string;
}
