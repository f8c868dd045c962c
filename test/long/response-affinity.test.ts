import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { type AzureSimulator, startAzureSimulator } from '@tollgate/testing/azure';
import { generateText, type ModelMessage } from 'ai';
import OpenAI from 'openai';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// A rotation over two resources, of which each keeps its own: rotation decides first turns only.

const east = 'east';
const west = 'west';
let system: System;
let simulators: Record<string, AzureSimulator>;
let client: OpenAI;
let others: OpenAI;
let aiSdk: ReturnType<typeof createOpenAI>;

before(async () => {
  simulators = { [east]: await startAzureSimulator(), [west]: await startAzureSimulator() };
  system = await newSystem();
  await system.start();
  const keyFile = path.join(system.home, 'provider-key');
  await writeFile(keyFile, simulators[east]?.apiKey ?? '', { mode: 0o600 });
  const provider = (name: string, more = '') =>
    `  - { name: ${name}, type: azure-openai, endpoint: "${simulators[name]?.address}", apiKey: { file: ${keyFile} }${more}, models: [gpt-4o, gpt-4o-mini] }`;
  const file = path.join(system.home, 'affinity.yaml');
  await writeFile(
    file,
    `organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, completion: 0.60 }
providers:
${provider(east, ', apiVersion: "2025-04-01-preview"')}
${provider(west)}
projects:
  - name: sample-project
    teams: [{ name: engineering }, { name: product }]
    proxies:
      - name: proxy
        version: v1.0
        context: /proxy
        provider: ${east}
        default: true
        guardrails:
          - piiMasking: { email: true }
          - semanticCache: { scope: proxy }
          - modelRotation:
              models: [{ model: gpt-4o, provider: ${east} }, { model: gpt-4o, provider: ${west} }]
              suspendDurationSeconds: 60
`,
  );
  await system.cli('apply', '-f', file, '--yes');
  const { gatewayUrl } = await system.status();
  const clientOf = async (team: string) => {
    const { key: apiKey } = await system.createKey(team, 'affinity');
    if (team === 'engineering') aiSdk = createOpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
    return new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
  };
  client = await clientOf('engineering');
  others = await clientOf('product');
});
after(async () => {
  await system?.remove();
  await Promise.all(Object.values(simulators ?? {}).map((simulator) => simulator.close()));
});

/** How many calls of responses each resource has had. */
const callsOf = (name: string) => simulators[name]?.calls({ surface: 'responses' }).length ?? 0;

/** Asks once, and says which resource was asked beside the answer. */
async function at<T>(ask: () => Promise<T>): Promise<{ answer: T; asked: string }> {
  const before = [callsOf(east), callsOf(west)];
  const answer = await ask();
  const asked = [east, west].filter((name, index) => callsOf(name) > (before[index] ?? 0));
  return { answer, asked: asked.join() };
}

let topic = 0;
const create = (fields: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> = {}, from = client) =>
  from.responses.create({ model: 'gpt-4o', input: `A question about topic ${topic++} of many`, ...fields });

/** A first turn that this resource took. */
async function begunAt(name: string, fields: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> = {}) {
  for (;;) {
    const { answer, asked } = await at(() => create(fields));
    if (asked === name) return answer;
  }
}

test('first turns alternate, later ones stay with the resource of the first, streamed or not', async () => {
  const firsts = [];
  for (let turn = 0; turn < 6; turn++) firsts.push((await at(() => create())).asked);
  assert.deepEqual(new Set(firsts), new Set([east, west]));
  assert.deepEqual(firsts.slice(2), firsts.slice(0, 4), 'they take turns');
  for (const name of [east, west]) {
    let { id } = await begunAt(name);
    for (let turn = 0; turn < 4; turn++) {
      const goOn = { previous_response_id: id };
      if (turn % 2 === 0) {
        const { answer, asked } = await at(() => create(goOn));
        assert.equal(asked, name);
        id = answer.id;
      } else {
        const { asked } = await at(async () => {
          const stream = await client.responses.create({
            model: 'gpt-4o',
            input: `Turn ${turn}`,
            stream: true,
            ...goOn,
          });
          for await (const event of stream) if (event.type === 'response.completed') id = event.response.id;
        });
        assert.equal(asked, name);
      }
    }
    assert.equal((await client.responses.retrieve(id)).id, id, `found at ${name}`);
    await client.responses.delete(id);
    await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
  }
});

test('encrypted reasoning goes back to the resource that made it, and says of another team nothing', async () => {
  const thinking = { include: ['reasoning.encrypted_content'] as const, store: false };
  for (const name of [east, west]) {
    const { output } = await begunAt(name, { ...thinking, include: [...thinking.include] });
    const thought = output.find((item) => item.type === 'reasoning');
    assert.ok(thought?.encrypted_content);
    const input = [...output, { role: 'user' as const, content: 'Go on' }] as OpenAI.Responses.ResponseInput;
    for (let turn = 0; turn < 3; turn++) {
      const { asked } = await at(() => create({ input, store: false }));
      assert.equal(asked, name);
    }
    await assert.rejects(create({ input }, others), { status: 400, code: 'invalid_request', param: 'input' });
  }
  const stream = await client.responses.create({
    model: 'gpt-4o',
    input: 'Think',
    stream: true,
    include: [...thinking.include],
  });
  const contents = new Set<string>();
  for await (const event of stream) {
    const items = event.type === 'response.completed' ? event.response.output : 'item' in event ? [event.item] : [];
    for (const item of items)
      if (item.type === 'reasoning' && item.encrypted_content) contents.add(item.encrypted_content);
  }
  assert.equal(contents.size, 1, 'the same in every event');
  const [content = ''] = contents;
  const input = [{ type: 'reasoning' as const, id: 'rs_1', summary: [], encrypted_content: content }];
  assert.ok((await create({ input: [...input, { role: 'user', content: 'Go on' }] })).output_text);
});

type Items = OpenAI.Responses.ResponseOutputItem[];
type Input = OpenAI.Responses.ResponseInputItem;
const reference = (id: string | null | undefined): Input => ({ type: 'item_reference', id: id ?? '' });
const further: Input = { role: 'user', content: 'Go on' };
const naming = (items: { id?: string | null }[]): Input[] => [...items.map(({ id }) => reference(id)), further];
const nowhere = { status: 404, code: 'not_found', param: 'input' };

/** The items of a streamed answer, each by the one name that all of its events gave it. */
async function streamedItems(input: Input[]): Promise<Items> {
  const names = new Set<string>();
  let items: Items = [];
  for await (const event of await client.responses.create({ model: 'gpt-4o', input, stream: true })) {
    if ('item_id' in event) names.add(event.item_id);
    if ('item' in event) names.add(event.item.id ?? '');
    if (event.type === 'response.completed') items = event.response.output;
  }
  assert.deepEqual(
    [...names],
    items.map(({ id }) => id),
  );
  return items;
}

test('an item by its id goes to the resource that keeps it, whoever asked for it and however', async () => {
  const include = ['reasoning.encrypted_content' as const];
  for (const name of [east, west]) {
    const first = await begunAt(name, { include });
    const [thought, message] = first.output;
    assert.ok(thought?.type === 'reasoning' && message?.type === 'message');
    const question = (await client.responses.inputItems.list(first.id)).data[0]?.id;
    const inputs: Input[][] = [
      [reference(message.id), further],
      // As the official client's type allows it, and as others leave it out.
      [{ id: message.id }, further],
      [reference(question), reference(thought.id), reference(message.id), further],
      [{ type: 'reasoning', id: thought.id, summary: [] }, message, further],
    ];
    for (const input of inputs) {
      for (let turn = 0; turn < 2; turn++) {
        const { asked, answer } = await at(() => create({ input }));
        assert.equal(asked, name);
        const next = await at<Items>(() => streamedItems([...input, ...naming(answer.output)]));
        assert.equal(next.asked, name);
        const last = await at<OpenAI.Responses.Response>(() => create({ input: naming(next.answer) }));
        assert.equal(last.asked, name, 'as the stream named it');
      }
    }
    const read = await client.responses.retrieve(first.id);
    assert.deepEqual(
      read.output.map(({ id }) => id),
      first.output.map(({ id }) => id),
      'and so when it is read',
    );
    const pages = await client.responses.inputItems.list(first.id, { after: question ?? '', limit: 1 });
    assert.ok(pages.data.length <= 1);
  }
});

test('the Vercel AI SDK, which names earlier items by their ids, stays where its conversation began', async () => {
  for (let talk = 0; talk < 2; talk++) {
    const messages: ModelMessage[] = [{ role: 'user', content: `Talk ${talk} begins` }];
    const asked = new Set<string>();
    for (let turn = 0; turn < 3; turn++) {
      const went = await at(() => generateText({ model: aiSdk.responses('gpt-4o'), messages, maxRetries: 0 }));
      asked.add(went.asked);
      messages.push(...went.answer.response.messages, { role: 'user', content: `Turn ${turn}` });
    }
    assert.equal(asked.size, 1, [...asked].join());
  }
});

test('whole items go anywhere, with the ids that their provider gave them', async () => {
  const { output } = await begunAt(east);
  const went = new Set<string>();
  for (let turn = 0; turn < 4; turn++) {
    const { asked } = await at(() =>
      create({ input: [...(output as Input[]), { role: 'user', content: `Turn ${turn}` }] }),
    );
    went.add(asked);
  }
  assert.deepEqual(went, new Set([east, west]));
});

/** Refuses the item, and asks nobody for it. */
async function findsNothing(from: OpenAI, item: Input): Promise<void> {
  const before = [callsOf(east), callsOf(west)];
  await assert.rejects(create({ input: [item, further] }, from), nowhere);
  assert.deepEqual([callsOf(east), callsOf(west)], before);
}

test('an item of another team, of no stored response or of several resources is found nowhere', async () => {
  const [atEast, atWest] = [await begunAt(east), await begunAt(west)];
  const [message] = atEast.output;
  assert.ok(message?.id);
  const own = message.id.slice(0, -17);
  const { output } = await create({ store: false });
  const tries: [OpenAI, string | undefined][] = [
    [others, message.id],
    [others, own],
    [client, own],
    [client, output[0]?.id],
    [client, `msg_made_up${message.id.slice(-17)}`],
  ];
  for (const [from, id] of tries) {
    for (const item of [reference(id), { id } as Input, { type: 'reasoning', id, summary: [] } as Input]) {
      await findsNothing(from, item);
    }
  }
  const both = [reference(message.id), reference(atWest.output[0]?.id), further];
  await assert.rejects(create({ input: both }), { status: 400, code: 'invalid_request', param: 'input' });
  await client.responses.delete(atEast.id);
  await assert.rejects(create({ input: [reference(message.id), further] }), { status: 404, param: 'input' });
});

test('a conversation is refused by name, and says what to do', async () => {
  for (const conversation of ['conv_1', { id: 'conv_1' }]) {
    const { asked } = await at<void>(() =>
      assert.rejects(create({ conversation }), {
        ...{ status: 400, code: 'invalid_request', param: 'conversation', message: /previous_response_id/ },
      }),
    );
    assert.equal(asked, '');
  }
});

test('a cache that teams share: its hit is gone on from by the team that got it, and shows it nothing else', async () => {
  const input = 'What do two teams ask alike?';
  const made = await create({ input, metadata: { asked_by: 'engineering' } });
  const { data: hit, response } = await others.responses.create({ model: 'gpt-4o', input }).withResponse();
  assert.equal(response.headers.get('x-cache-status'), 'HIT');
  await assert.rejects(others.responses.retrieve(hit.id), OpenAI.NotFoundError);
  await assert.rejects(others.responses.retrieve(made.id), OpenAI.NotFoundError);
  const again = await create({ input: [reference(hit.output[0]?.id), further] }, others);
  assert.ok(again.output_text, 'an item of the hit can be gone on from, too');
  await assert.rejects(create({ input: [reference(hit.output[0]?.id), further] }), nowhere);
  const next = await create({ previous_response_id: hit.id }, others);
  const kept = await others.responses.retrieve(next.id);
  assert.ok(kept.previous_response_id);
  await assert.rejects(
    others.responses.retrieve(kept.previous_response_id),
    OpenAI.NotFoundError,
    "it is the other team's",
  );
  await assert.rejects(create({ previous_response_id: hit.id }), { code: 'previous_response_not_found' });
});

test('the resource is suspended: first turns go on elsewhere, what it keeps waits with a clear 503', async () => {
  const { id, output } = await begunAt(west);
  simulators[west]?.addFault({ kind: 'status', status: 429, retryAfterSeconds: 60 });
  const goOn = () => at(() => create({ previous_response_id: id }).catch((error: unknown) => error));
  // The one that meets the 429 reads it; the router hears of it at the same time.
  const { answer } = await until('the suspension', async () => {
    const found = await goOn();
    assert.ok(found.answer instanceof OpenAI.APIError, String(found.answer));
    if (found.answer.status === 503) return found;
    assert.deepEqual([found.answer.status, found.answer.code, found.asked], [429, 'upstream_rate_limited', west]);
    return undefined;
  });
  assert.ok(answer instanceof OpenAI.InternalServerError);
  assert.equal(answer.code, 'all_models_suspended');
  assert.match(answer.message, /keeps this conversation/);
  const waitSeconds = Number(answer.headers.get('retry-after'));
  assert.ok(waitSeconds > 0 && waitSeconds <= 60, String(waitSeconds));
  for (let turn = 0; turn < 4; turn++) assert.equal((await at(() => create())).asked, east);
  assert.equal((await goOn()).asked, '', 'and it is sent nowhere');
  const { asked } = await at(() =>
    assert.rejects(create({ input: [reference(output[0]?.id), { role: 'user', content: 'Go on' }] }), {
      ...{ status: 503, code: 'all_models_suspended' },
    }),
  );
  assert.equal(asked, '', 'nor is an item that is kept there');
  assert.equal((await client.responses.retrieve(id)).id, id, 'what is kept can be read all the same');
});

test('the resource cannot be reached: who goes on from what it keeps reads so, and no other one is asked', async () => {
  const thinking = await begunAt(east, { include: ['reasoning.encrypted_content'], store: false });
  const { id } = await begunAt(east);
  await simulators[east]?.close();
  const input = [...thinking.output, { role: 'user' as const, content: 'Go on' }] as OpenAI.Responses.ResponseInput;
  const refusals: [number | undefined, string | null | undefined][] = [];
  for (const fields of [{ previous_response_id: id }, { input, store: false }]) {
    const { answer, asked } = await at(() => create(fields).catch((error: unknown) => error));
    assert.ok(answer instanceof OpenAI.APIError, String(answer));
    refusals.push([answer.status, answer.code]);
    assert.equal(asked, '');
  }
  // The first one found out, and since then it rests.
  assert.deepEqual(refusals, [
    [502, 'upstream_error'],
    [503, 'all_models_suspended'],
  ]);
});
