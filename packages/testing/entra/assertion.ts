import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a cluster says of a workload, in the token that it projects into the workload's file. */
export interface AssertionClaims {
  iss: string;
  sub: string;
  aud: string;
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = encoded({ alg: 'HS256', typ: 'JWT' });

export function signAssertion(claims: AssertionClaims, secret: string): string {
  const content = `${header}.${encoded(claims)}`;
  return `${content}.${signature(content, secret)}`;
}

/** The claims of an assertion that was signed with this secret, else undefined. */
export function readAssertion(assertion: string, secret: string): AssertionClaims | undefined {
  const at = assertion.lastIndexOf('.');
  const content = assertion.slice(0, Math.max(0, at));
  const given = Buffer.from(assertion.slice(at + 1));
  const expected = Buffer.from(signature(content, secret));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(content.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

function signature(content: string, secret: string): string {
  return createHmac('sha256', secret).update(content).digest('base64url');
}
