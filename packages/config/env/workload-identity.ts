import process from 'node:process';
import { TollgateError } from '@tollgate/errors';
import type { EntraWorkloadIdentity } from '../model/snapshot.ts';
import type { Environment } from './derived.ts';
import { authorityProblem, IDENTITY_NAME } from './identity-rules.ts';

/** Who asks Microsoft Entra for a token, and where: settings and environment put together. */
export interface WorkloadIdentity {
  tenantId: string;
  clientId: string;
  /** Absolute path of the token that is exchanged; it rotates. */
  tokenFile: string;
  /** Without a slash at its end. */
  authority: string;
  scope: string;
}

/** As Azure's clients have it; sovereign clouds have others. */
const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com';

/**
 * What a setting does not say is what Azure's workload identity webhook sets in the pods of a service account: AZURE_TENANT_ID,
 * AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST.
 * @throws TollgateError `upstream_misconfigured`; its internal text names the variable, never a value
 */
export function workloadIdentityOf(
  settings: EntraWorkloadIdentity,
  environment: Environment = process.env,
): WorkloadIdentity {
  const tokenFile = settings.tokenFile ?? variable(environment, 'AZURE_FEDERATED_TOKEN_FILE');
  if (!tokenFile.startsWith('/')) throw misconfigured('AZURE_FEDERATED_TOKEN_FILE is no absolute path');
  const authority = settings.authority ?? (environment.AZURE_AUTHORITY_HOST || PUBLIC_AUTHORITY);
  const problem = authorityProblem(authority);
  if (problem !== undefined) throw misconfigured(`AZURE_AUTHORITY_HOST ${problem}`);
  return {
    tenantId: settings.tenantId ?? name(environment, 'AZURE_TENANT_ID'),
    clientId: settings.clientId ?? name(environment, 'AZURE_CLIENT_ID'),
    tokenFile,
    authority: authority.replace(/\/+$/, ''),
    scope: settings.scope,
  };
}

function name(environment: Environment, key: string): string {
  const value = variable(environment, key);
  if (!IDENTITY_NAME.test(value)) throw misconfigured(`${key} is no id as Azure has them`);
  return value;
}

function variable(environment: Environment, key: string): string {
  const value = environment[key] ?? '';
  if (value === '') throw misconfigured(`environment variable ${key} is not there or empty`);
  return value;
}

function misconfigured(internal: string): TollgateError {
  return new TollgateError('upstream_misconfigured', { internal });
}
