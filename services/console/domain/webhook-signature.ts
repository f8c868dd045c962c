import { createHmac } from 'node:crypto';

/** Of the Standard Webhooks specification: 24 to 64 random bytes in base64 behind a prefix. */
const PREFIX = 'whsec_';
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

/** @throws Error for what is no secret of that form; the text never holds it */
export function signingKey(secret: string): Buffer {
  const base64 = secret.slice(PREFIX.length);
  const key = Buffer.from(base64, 'base64');
  const whole = secret.startsWith(PREFIX) && /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
  if (!whole || key.length < KEY_BYTES_MIN || key.length > KEY_BYTES_MAX) {
    throw new Error(`the secret must be ${PREFIX} and ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes in base64`);
  }
  return key;
}

/** Headers of the Standard Webhooks specification; the signature only where there is a key. */
export function signedHeaders(
  { id, body, atMs }: { id: string; body: string; atMs: number },
  key: Buffer | undefined,
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
