import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/until.ts';
import type { Client } from './client.ts';
import { type Doorman, doorman } from './doorman.ts';
import type { Installation } from './installation.ts';

const vectorSizes = (vectors: readonly (readonly number[])[]) => vectors.map(({ length }) => length);
/** A fault for the provider, in the prompt. */
const fault = (spec: object) => `[[sim ${JSON.stringify(spec)}]]`;
let gates = 0;

/**
 * What each client meets: answers, streams, refusals, broken streams, a caller that leaves. In all of them the class of the error
 * is the right one, and the number of requests is known. Says in one describe each what is tried.
 * @param installed called within tests, when it is there
 */
export function situations(clients: readonly Client[], installed: () => Installation): void {
  /** All clients at once, each with a door of its own. */
  function each(
    what: string,
    does: (client: Client, door: Doorman, installation: Installation) => Promise<void>,
  ): void {
    describe(what, { concurrency: true }, () => {
      for (const client of clients) {
        test(client.name, async (t) => {
          const door = await doorman(installed().gatewayUrl);
          t.after(() => door.close());
          await does(client, door, installed());
        });
      }
    });
  }

  each('JSON, a stream and embeddings', async ({ name, path, json, stream, embed }, { url, take }, { apiKey }) => {
    const place = { url, apiKey };
    assert.match(await json(place, `JSON for ${name}`), /JSON for/);
    assert.match(await stream(place, `A stream for ${name}`), /A stream for .*answers this/);
    const vectors = await embed?.(place, ['one', 'two']);
    if (vectors) assert.deepEqual(vectorSizes(vectors), [1536, 1536]);
    const asked = take();
    assert.equal(asked.length, vectors ? 3 : 2);
    for (const line of asked) assert.match(line.replace('POST ', ''), path);
  });

  each('a budget that is used up', async ({ name, json, stream, habits }, { url, take }, { spentKey }) => {
    for (const ask of [json, stream]) {
      const asked = ask({ url, apiKey: spentKey }, `A budget for ${name}`);
      await assert.rejects(asked, (error) => habits.raises.budget(error));
      assert.equal(take().length, habits.budget);
    }
  });

  each('a rate limit, whose Retry-After is waited for', async ({ name, json, stream }, { url, take }, installation) => {
    const apiKey = await installation.rateLimitedKey();
    const answers = await Promise.all([json, stream].map((ask) => ask({ url, apiKey }, `A rate for ${name}`)));
    for (const answer of answers) assert.match(answer, /A rate for/);
    // One of the two came too early, and asked once more.
    assert.equal(take().length, 3);
  });

  each('a rate limit that is not waited for', async ({ name, json, stream, habits }, { url, take }, installation) => {
    const place = { url, apiKey: await installation.slowKey(), retries: 0 };
    await json(place, `The one answer for ${name}`);
    take();
    for (const ask of [json, stream]) {
      await assert.rejects(ask(place, `One too many for ${name}`), (error) => habits.raises.rateLimit(error));
      assert.equal(take().length, 1);
    }
  });

  each('a guardrail that refuses', async ({ name, json, stream, habits }, { url, take }, { apiKey }) => {
    for (const ask of [json, stream]) {
      const asked = ask({ url, apiKey }, `Write for ${name} to bob@example.com`);
      await assert.rejects(asked, (error) => {
        assert.match(String(error), /piiMasking refused this request: it contains personal data \(EMAIL\)/);
        return habits.raises.badRequest(error);
      });
      assert.equal(take().length, 1);
    }
  });

  each('a wrong key', async ({ json, stream, habits }, { url, take }) => {
    for (const ask of [json, stream]) {
      const asked = ask({ url, apiKey: `tg_${'0'.repeat(64)}` }, 'Who?');
      await assert.rejects(asked, (error) => habits.raises.wrongKey(error));
      assert.equal(take().length, 1);
    }
  });

  each('providers that want a day: told at once, and not waited for', async (client, { url, take }, { apiKey }) => {
    const { name, json, stream, habits } = client;
    const prompt = `${fault({ kind: 'status', status: 429, retryAfterSeconds: 86_400 })} A day for ${name}`;
    for (const ask of [json, stream]) {
      await assert.rejects(ask({ url, apiKey }, prompt), (error) => habits.raises.providersRate(error));
      assert.equal(take().length, habits.budget);
    }
  });

  each('an answer that is garbage, whoever is asked: 502', async (client, { url, take }, { apiKey }) => {
    const { name, json, habits } = client;
    const asked = json({ url, apiKey }, `${fault({ kind: 'garbage' })} Garbage for ${name}`);
    await assert.rejects(asked, (error) => habits.raises.badGateway(error));
    assert.equal(take().length, habits.badGateway);
  });

  each('a stream that broke is an error, and is not asked for again', async (client, { url, take }, { apiKey }) => {
    const { name, stream, habits } = client;
    let heard = '';
    const prompt = `${fault({ kind: 'cut', afterChunks: 2 })} A cut for ${name}, long enough to have two chunks`;
    const asked = stream({ url, apiKey }, prompt, { heard: (text) => (heard += text) });
    await assert.rejects(asked, (error) => habits.raises.broken(error));
    assert.match(heard, /You said/);
    assert.equal(take().length, 1);
  });

  each(
    'a stream that breaks before its first content: 502, as if none had begun',
    async (client, { url, take }, { apiKey }) => {
      const { name, stream, habits } = client;
      const asked = stream({ url, apiKey }, `${fault({ kind: 'cut', afterChunks: 0 })} Nothing for ${name}`);
      await assert.rejects(asked, (error) => habits.raises.badGateway(error));
      assert.equal(take().length, habits.badGateway);
    },
  );

  each(
    'a caller that leaves, before an answer and within a stream, ends the call of the provider',
    async (client, { url, take }, installation) => {
      const { name, json, stream, habits } = client;
      const place = { url, apiKey: installation.apiKey };
      const provider = installation[client.provider];
      const waited = `Waited for by <${name}>`;
      const leaves = new AbortController();
      const asked = json(place, `${fault({ kind: 'hangBeforeHeaders' })} ${waited}`, leaves.signal);
      const raised = assert.rejects(asked, (error) => habits.raises.left(error));
      const found = (what: string, ended: boolean) =>
        until(
          `the call: ${what}, ${ended ? 'ended' : 'running'}`,
          async () => (await provider.calls({ ended })).find(({ body }) => body.includes(what)),
          20_000,
          200,
        );
      await found(waited, false);
      leaves.abort();
      await raised;
      assert.equal((await found(waited, true)).aborted, true);
      assert.equal(take().length, 1);

      const read = `Read in part by <${name}>, long enough to have two chunks`;
      const gate = `leaving-${++gates}`;
      await provider.openGate(gate);
      const reading = new AbortController();
      const streamed = stream(place, `${fault({ gate })} ${read}`, {
        signal: reading.signal,
        heard: () => reading.abort(),
      });
      await assert.rejects(streamed, (error) => habits.raises.left(error));
      assert.equal((await found(read, true)).aborted, true);
      assert.equal(take().length, 1);
    },
  );
}
