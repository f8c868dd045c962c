import { type AssertionClaims, readAssertion } from './assertion.ts';

export interface EntraRefusal {
  status: number;
  error: string;
  description: string;
  retryAfterSeconds?: number;
}

export interface Expected {
  tenantId: string;
  clientId: string;
  scope: string;
  /** What assertions are signed with. */
  secret: string;
  /** Who the assertion has to be about. */
  subject: string;
  nowSeconds: number;
}

export const ISSUER = 'https://cluster.example';
/** Of federated credentials, unless a cluster is told another one. */
export const AUDIENCE = 'api://AzureADTokenExchange';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What Entra would say to this request, with its numbers; undefined: it gets a token. */
export function checkTokenRequest(
  path: string,
  contentType: string | undefined,
  form: URLSearchParams,
  expected: Expected,
): EntraRefusal | undefined {
  if (path !== `/${expected.tenantId}/oauth2/v2.0/token`)
    return refusal(400, 'invalid_request', 90002, 'Tenant not found');
  if (contentType !== 'application/x-www-form-urlencoded')
    return refusal(400, 'invalid_request', 900561, 'The endpoint only accepts form posts');
  for (const name of ['grant_type', 'client_id', 'scope', 'client_assertion_type', 'client_assertion']) {
    if (form.getAll(name).length !== 1)
      return refusal(400, 'invalid_request', 900144, `The request body must contain the parameter '${name}' once`);
  }
  if (form.get('grant_type') !== 'client_credentials')
    return refusal(400, 'unsupported_grant_type', 70003, 'The grant type is not supported');
  if (form.get('client_id') !== expected.clientId)
    return refusal(400, 'unauthorized_client', 700016, 'The application was not found in the directory');
  if (form.get('scope') !== expected.scope) return refusal(400, 'invalid_scope', 70011, 'The scope is not valid');
  if (form.get('client_assertion_type') !== ASSERTION_TYPE)
    return refusal(400, 'invalid_request', 50027, 'The assertion type is not supported');
  return checkAssertion(readAssertion(form.get('client_assertion') ?? '', expected.secret), expected);
}

function checkAssertion(
  claims: AssertionClaims | undefined,
  { subject, nowSeconds }: Expected,
): EntraRefusal | undefined {
  if (!claims) return refusal(401, 'invalid_client', 50027, "The assertion's signature is not valid");
  const { iss, sub, aud, exp } = claims;
  if (exp <= nowSeconds)
    return refusal(401, 'invalid_client', 700024, 'The client assertion is not within its valid time range');
  if (iss !== ISSUER || sub !== subject || aud !== AUDIENCE)
    return refusal(401, 'invalid_client', 70021, 'No matching federated identity record found');
  return undefined;
}

function refusal(status: number, error: string, number: number, text: string): EntraRefusal {
  return { status, error, description: `AADSTS${number}: ${text}.` };
}
