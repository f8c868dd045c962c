import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sharedSystem } from '../support/system.ts';
import { clients } from './clients.ts';
import { helpers } from './helpers.ts';
import { type Installation, install } from './installation.ts';
import { langchainEmbeddings } from './langchain.ts';
import { situations } from './situations.ts';

// Official clients as their users have them, with only base URL and key changed: one of each kind. Each form of base URL: test/long.

let installation: Installation;

before(async () => {
  const [client] = clients;
  assert.ok(client);
  installation = await install(sharedSystem(), (url, apiKey, prompt) => client.json({ url, apiKey }, prompt));
});

after(() => installation?.restore());

situations(clients, () => installation);
helpers(() => installation);

test('LangChain embeds texts where it is told not to make tokens of them', async () => {
  const { gatewayUrl: url, apiKey } = installation;
  const vectors = await langchainEmbeddings({ url, apiKey }).embedDocuments(['one', 'two']);
  assert.deepEqual(
    vectors.map(({ length }) => length),
    [1536, 1536],
  );
});
