/** Bodies up to this size are received, larger ones get 413. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;
