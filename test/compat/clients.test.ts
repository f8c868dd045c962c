import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { demoOf, withTeams } from '../support/demo.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { type Client, clients, langchainEmbeddings } from './clients.ts';
import { type Doorman, doorman } from './doorman.ts';

// Official clients as their users have them, with only base URL and key changed: answers, streams, the class of each error,
// and how often each asks.

let system: System;
let simulator: RemoteAzureSimulator;
let gatewayUrl: string;
let apiKey: string;
/** Of a team whose budget is used up. */
let spentKey: string;
/** The demo, for the tests that come later. */
let provided = '';

/** As an operator does it. */
async function apply(text: string): Promise<void> {
  const file = path.join(system.home, 'compat.yaml');
  await writeFile(file, text);
  await system.cli('apply', '-f', file, '--yes');
}

before(async () => {
  system = sharedSystem();
  simulator = await system.simulator();
  ({ gatewayUrl } = await system.status());
  provided = await demoOf(system);
  const thrifty = withTeams(provided, { thrifty: '{ tokens: 100, window: 1d }' });
  // What these tests do to one client must not suspend the models of the next.
  await apply(thrifty.replace('suspendDurationSeconds: 30', 'suspendDurationSeconds: 0'));
  apiKey = (await system.createKey('engineering', 'compat')).key;
  spentKey = (await system.createKey('thrifty', 'compat-spent')).key;
  const [client] = clients;
  for (let asked = 0; ; asked++) {
    assert.ok(client && asked < 10, 'the budget holds nobody');
    const served = client.json({ url: gatewayUrl, apiKey: spentKey }, `More of number ${asked}`).then(() => true);
    if (!(await served.catch(() => false))) break;
  }
});

after(async () => {
  if (provided) await system.apply(provided);
});

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

test('LangChain embeds texts where it is told not to make tokens of them', async () => {
  const vectors = await langchainEmbeddings({ url: gatewayUrl, apiKey }).embedDocuments(['one', 'two']);
  assert.deepEqual(sizes(vectors), [1536, 1536]);
});
