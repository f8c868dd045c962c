import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { furtherClients } from '../compat/clients.ts';
import { helperRefusals } from '../compat/helper-refusals.ts';
import { type Installation, install } from '../compat/installation.ts';
import { situations } from '../compat/situations.ts';
import { sharedSystem } from '../support/system.ts';

// Each official client in each form of base URL, in what test/compat tries with one of each kind.

let installation: Installation;

before(async () => {
  const [client] = furtherClients;
  assert.ok(client);
  installation = await install(sharedSystem(), (url, apiKey, prompt) => client.json({ url, apiKey }, prompt));
});

after(() => installation?.restore());

situations(furtherClients, () => installation);
helperRefusals(() => installation);
