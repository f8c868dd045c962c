import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { sharedSystem } from '../support/system.ts';
import { type Client, clients, langchainEmbeddings } from './clients.ts';
import { type Doorman, doorman } from './doorman.ts';
import { type Installation, install } from './installation.ts';

// Official clients as their users have them, with only base URL and key changed: answers, streams, the class of each error,
// and how often each asks.

let simulator: RemoteAzureSimulator;
let installation: Installation;
let gatewayUrl: string;
let apiKey: string;
let spentKey: string;

before(async () => {
  const system = sharedSystem();
  simulator = await system.simulator();
  const [client] = clients;
  assert.ok(client);
  installation = await install(system, (url, key, prompt) => client.json({ url, apiKey: key }, prompt));
  ({ gatewayUrl, apiKey, spentKey } = installation);
});

after(() => installation?.restore());

const sizes = (vectors: readonly (readonly number[])[]) => vectors.map(({ length }) => length);

/** All clients at once, each with a door of its own. */
function each(what: string, does: (client: Client, door: Doorman) => Promise<void>): void {
  describe(what, { concurrency: true }, () => {
    for (const client of clients) {
      test(client.name, async (t) => {
        const door = await doorman(gatewayUrl);
        t.after(() => door.close());
        await does(client, door);
      });
    }
  });
}

each('JSON, a stream and embeddings', async ({ name, path: asked, json, stream, embed }, { url, take }) => {
  const place = { url, apiKey };
  assert.match(await json(place, `JSON for ${name}`), /JSON for/);
  assert.match(await stream(place, `A stream for ${name}`), /A stream for .*answers this/);
  const vectors = await embed?.(place, ['one', 'two']);
  if (vectors) assert.deepEqual(sizes(vectors), [1536, 1536]);
  for (const line of take()) assert.match(line.replace('POST ', ''), asked);
});

each('a budget that is used up', async ({ name, json, stream, habits }, { url, take }) => {
  for (const ask of [json, stream]) {
    const asked = ask({ url, apiKey: spentKey }, `A budget for ${name}`);
    await assert.rejects(asked, (error) => habits.statusOf(error) === 429);
    assert.equal(take().length, habits.budget);
  }
});

each('a rate limit, whose Retry-After is waited for', async ({ name, json, stream }, { url, take }) => {
  const apiKey = await installation.rateLimitedKey();
  const answers = await Promise.all([json, stream].map((ask) => ask({ url, apiKey }, `A rate for ${name}`)));
  for (const answer of answers) assert.match(answer, /A rate for/);
  // One of the two came too early, and asked once more.
  assert.equal(take().length, 3);
});

each('a guardrail that refuses', async ({ name, json, stream, habits }, { url, take }) => {
  for (const ask of [json, stream]) {
    const asked = ask({ url, apiKey }, `Write for ${name} to bob@example.com`);
    await assert.rejects(asked, (error) => {
      assert.match(String(error), /piiMasking refused this request: it contains personal data \(EMAIL\)/);
      return habits.statusOf(error) === 400;
    });
    assert.equal(take().length, 1);
  }
});

each('a wrong key', async ({ json, stream, habits }, { url, take }) => {
  for (const ask of [json, stream]) {
    const asked = ask({ url, apiKey: `tg_${'0'.repeat(64)}` }, 'Who?');
    await assert.rejects(asked, (error) => habits.statusOf(error) === 401);
    assert.equal(take().length, 1);
  }
});

describe('faults of the provider', () => {
  before(() => simulator.addFault({ kind: 'garbage', stream: false }));
  before(() => simulator.addFault({ kind: 'cut', stream: true, afterChunks: 2 }));
  after(() => simulator.clearFaults());

  each('an answer that is garbage, whoever is asked: 502', async ({ name, json, habits }, { url, take }) => {
    await assert.rejects(json({ url, apiKey }, `Garbage for ${name}`), (error) => habits.statusOf(error) === 502);
    assert.equal(take().length, habits.badGateway);
  });

  each('a stream that broke is an error, and is not asked for again', async ({ name, stream }, { url, take }) => {
    await assert.rejects(stream({ url, apiKey }, `A cut for ${name}, long enough to have two chunks`));
    assert.equal(take().length, 1);
  });
});

describe('streams that break before their first content', () => {
  before(() => simulator.addFault({ kind: 'cut', stream: true, afterChunks: 0 }));
  after(() => simulator.clearFaults());

  each('whoever is asked: 502, as if no stream had begun', async ({ name, stream, habits }, { url, take }) => {
    const asked = stream({ url, apiKey }, `Nothing for ${name}`);
    await assert.rejects(asked, (error) => habits.statusOf(error) === 502);
    assert.equal(take().length, habits.badGateway);
  });
});

test('LangChain embeds texts where it is told not to make tokens of them', async () => {
  const vectors = await langchainEmbeddings({ url: gatewayUrl, apiKey }).embedDocuments(['one', 'two']);
  assert.deepEqual(sizes(vectors), [1536, 1536]);
});
