/** Names that become parts of NATS subjects, Redis keys and ids. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const SLUG_RULE = 'must be 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends';

/** Model and deployment names become parts of URLs: nothing here may end or lead out of a path segment. */
export const MODEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/;
export const MODEL_NAME_RULE =
  "must be 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':' and '-', with a letter or digit at both ends";

export const KEY_NAME = /^[a-z0-9-]{3,63}$/;
export const KEY_NAME_RULE = 'must be 3 to 63 of a-z, 0-9 and -';
