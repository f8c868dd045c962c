import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { workloadIdentityOf } from './workload-identity.ts';

const scope = 'https://cognitiveservices.azure.com/.default';
const fromWebhook = {
  AZURE_TENANT_ID: 'tenant-of-the-pod',
  AZURE_CLIENT_ID: 'client-of-the-pod',
  AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/azure/tokens/azure-identity-token',
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/',
};

test("what the settings leave out is what Azure's webhook sets", () => {
  assert.deepEqual(workloadIdentityOf({ scope }, fromWebhook), {
    tenantId: 'tenant-of-the-pod',
    clientId: 'client-of-the-pod',
    tokenFile: '/var/run/secrets/azure/tokens/azure-identity-token',
    authority: 'https://login.microsoftonline.us',
    scope,
  });
  const own = { tenantId: 't', clientId: 'c', tokenFile: '/t', authority: 'https://login.partner.example', scope: 's' };
  assert.deepEqual(workloadIdentityOf(own, fromWebhook), own);
  const { AZURE_AUTHORITY_HOST: _host, ...others } = fromWebhook;
  assert.equal(workloadIdentityOf({ scope }, others).authority, 'https://login.microsoftonline.com');
});

for (const [variable, value, about] of [
  ['AZURE_TENANT_ID', '', /AZURE_TENANT_ID is not there/],
  ['AZURE_TENANT_ID', 'secret-tenant/../../other', /AZURE_TENANT_ID is no id/],
  ['AZURE_CLIENT_ID', '', /AZURE_CLIENT_ID is not there/],
  ['AZURE_FEDERATED_TOKEN_FILE', '', /AZURE_FEDERATED_TOKEN_FILE is not there/],
  ['AZURE_FEDERATED_TOKEN_FILE', 'secret-relative', /AZURE_FEDERATED_TOKEN_FILE is no absolute path/],
  ['AZURE_AUTHORITY_HOST', 'http://secret-login.example', /AZURE_AUTHORITY_HOST must be an https/],
  ['AZURE_AUTHORITY_HOST', 'https://secret:secret@login.example', /AZURE_AUTHORITY_HOST must be a base URL/],
] as const) {
  test(`${variable}=${value} is named, and never repeated`, () => {
    assert.throws(
      () => workloadIdentityOf({ scope }, { ...fromWebhook, [variable]: value }),
      (error) => {
        assert.ok(error instanceof TollgateError);
        assert.equal(error.code, 'upstream_misconfigured');
        assert.match(error.internal ?? '', about);
        assert.doesNotMatch(`${error.message}${error.internal}`, /secret/);
        return true;
      },
    );
  });
}
