import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { readQuestion } from '../../domain/question.ts';
import { chatAnswer } from '../../testdata/answers.ts';
import { namesOf, type Place } from './names.ts';
import { CacheStore, type Entry, type Rules } from './store.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const rules: Rules = { agreement: 'content', similarityThreshold: 0.92 };
const bounds = { agreement: 'content' as const, ttlSeconds: 60, entriesMax: 100 };
const place: Place = {
  organizationId: 'acme',
  scopeId: 'team:sample.engineering',
  proxyId: 'sample.proxy',
  surface: Surface.CHAT_COMPLETIONS,
  fingerprint: new Uint8Array(32).fill(7),
};
const facts = {
  provider: 'azure-openai',
  model: 'gpt-4o',
  baseModel: 'gpt-4o',
  tokens: { prompt: 14, completion: 3, cachedPrompt: 0, reasoning: 0 },
  costNanoUsd: 65_000,
  createdAtMs: 1_800_000_000_000,
};
const entry = (content: string): Entry => ({ answer: JSON.stringify(chatAnswer(content)), facts });
const question = (text: string) => readQuestion(text, 'content');
const factsBounds = { ...bounds, agreement: 'facts' as const };
const factsRules: Rules = { ...rules, agreement: 'facts' };
const near = (text: string) => readQuestion(text, 'facts');

let engines: TestEngines;
let redis: RedisConnection;
let store: CacheStore;

/** Resolves once the store knows whether the server has vector sets. */
async function vectorsKnown(): Promise<void> {
  while (!store.hasVectors) await new Promise((resolve) => setImmediate(resolve));
}
const call = (name: string, ...args: string[]) => redis.command(name, ...args);
const contentOf = (found: Awaited<ReturnType<CacheStore['lookup']>>) =>
  found && (found.answer as ReturnType<typeof chatAnswer>).choices[0]?.message.content;

before(async () => {
  engines = await startEngines({ only: ['cacheRedis'] });
  redis = new RedisConnection({ url: engines.cacheRedis.url, name: 'test', logger, metrics: createMetrics('test') });
  store = new CacheStore(redis, logger);
  await vectorsKnown();
});
after(async () => {
  redis?.close();
  await engines?.close();
});
beforeEach(() => call('FLUSHALL'));

test('the same wording is an exact hit, another spelling a semantic one, another question none', async () => {
  await store.fill(place, question('What is the capital of France?'), entry('Paris.'), bounds);
  const exact = await store.lookup(place, question('what is the capital of FRANCE'), rules);
  assert.deepEqual(exact, { answer: chatAnswer('Paris.'), facts, similarity: 1, kind: 'exact' });
  const semantic = await store.lookup(place, question("what's the capital of France"), rules);
  assert.equal(contentOf(semantic), 'Paris.');
  assert.equal(semantic?.kind, 'semantic');
  assert.ok((semantic?.similarity ?? 0) > 0.999);
  assert.equal(await store.lookup(place, question('What is the capital of Italy?'), rules), undefined);
  assert.equal(await store.lookup(place, question('What is not the capital of France?'), rules), undefined);
});

test('both lookups are one round trip', async () => {
  await store.fill(place, question('What is the capital of France?'), entry('Paris.'), bounds);
  await store.lookup(place, question("what's the capital of France"), rules);
  await call('CONFIG', 'RESETSTAT');
  await store.lookup(place, question("what's the capital of France"), rules);
  const stats = String(await call('INFO', 'commandstats'));
  const processed = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => `${name} ${calls}`);
  // What a script calls is counted too; of what came over the wire there is the one script.
  assert.ok(processed.includes('evalsha 1'), processed.join(', '));
  assert.ok(!processed.some((line) => line.startsWith('eval ')));
});

test('agreement decides among the near: exact, content, facts, none', async () => {
  // Agreement is no part of the group: what was kept under another one may be found by the rule that is asked for.
  for (const agreement of ['content', 'facts'] as const) {
    const asked = readQuestion('Convert euros to dollars', agreement);
    await store.fill(place, asked, entry('A'), { ...bounds, agreement });
  }
  const ask = (text: string, agreement: Rules['agreement']) =>
    store.lookup(place, readQuestion(text, agreement), { ...rules, agreement });
  assert.equal(contentOf(await ask('Convert dollars to euros', 'none')), 'A');
  assert.equal(contentOf(await ask('Convert dollars to euros', 'facts')), 'A');
  assert.equal(await ask('Convert dollars to euros', 'content'), undefined);
  assert.equal(contentOf(await ask('please convert euros to dollars', 'content')), 'A');
  assert.equal(await ask('please convert euros to dollars', 'exact'), undefined);
  assert.equal(contentOf(await ask('convert euros to dollars!', 'exact')), 'A');
});

test('the threshold is a cosine: what lies below it is no candidate', async () => {
  await store.fill(place, near('Convert euros to dollars'), entry('A'), factsBounds);
  const asked = readQuestion('Convert euros to francs', 'none');
  const at = (similarityThreshold: number) => store.lookup(place, asked, { agreement: 'none', similarityThreshold });
  const found = await at(0);
  assert.ok(found && found.similarity > 0.3 && found.similarity < 0.92, String(found?.similarity));
  assert.ok(await at(found.similarity - 0.001));
  assert.equal(await at(found.similarity + 0.001), undefined);
});

test('of several near ones the one that agrees is the hit', async () => {
  const texts = ['Is x greater than y?', 'Is y greater than x?'];
  for (const text of texts) await store.fill(place, question(text), entry(text), bounds);
  for (const text of texts) {
    assert.equal(contentOf(await store.lookup(place, question(`Hi, ${text.toLowerCase()}`), rules)), text);
  }
});

test('tenants are apart, both ways; so are proxies, surfaces and fingerprints', async () => {
  const others: Place[] = [
    { ...place, scopeId: 'team:sample.product' },
    { ...place, scopeId: 'key:sample.engineering' },
    { ...place, organizationId: 'other' },
    { ...place, proxyId: 'sample.other' },
    { ...place, surface: Surface.RESPONSES },
    { ...place, fingerprint: new Uint8Array(32).fill(8) },
    // Names that would run together if they were only joined.
    { ...place, organizationId: 'acme/team:sample.engineering', scopeId: '' },
    { ...place, scopeId: 'team:sample.engineering}' },
  ];
  const texts = ['What is the capital of France?', "what's the capital of France"];
  const places = [place, ...others];
  for (const [index, one] of places.entries())
    await store.fill(one, question(texts[0] ?? ''), entry(`${index}`), bounds);
  for (const [index, one] of places.entries()) {
    for (const text of texts) assert.equal(contentOf(await store.lookup(one, question(text), rules)), `${index}`);
  }
  await call('FLUSHALL');
  for (const one of places) {
    await store.fill(one, question(texts[0] ?? ''), entry('mine'), bounds);
    for (const other of places.filter((candidate) => candidate !== one)) {
      for (const text of texts) assert.equal(await store.lookup(other, question(text), rules), undefined);
    }
    await call('FLUSHALL');
  }
});

test('no question stands in the store, only signatures and vectors', async () => {
  await store.fill(place, question('Is Rumpelstiltskin well?'), entry('Yes.'), bounds);
  for (const key of (await call('KEYS', '*')) as string[]) {
    assert.doesNotMatch(key, /rumpel/i);
    const dump = (await redis.commandBinary('DUMP', key)) as Buffer;
    assert.doesNotMatch(dump.toString('latin1'), /rumpel/i);
  }
});

test('the entries of a scope are bounded over all its groups: the oldest goes, counted', async () => {
  const small = { ...bounds, entriesMax: 3 };
  const groups = [place, { ...place, fingerprint: new Uint8Array(32).fill(9) }];
  const swept = [];
  for (let index = 0; index < 8; index++) {
    const group = groups[index % 2] ?? place;
    swept.push(await store.fill(group, question(`Question number ${index}`), entry(`${index}`), small));
  }
  assert.deepEqual(
    swept.map(({ evicted }) => evicted),
    [0, 0, 0, 1, 1, 1, 1, 1],
  );
  const kept = [];
  for (let index = 0; index < 8; index++) {
    const found = await store.lookup(groups[index % 2] ?? place, question(`question number ${index}`), rules);
    if (found) kept.push(index);
  }
  assert.deepEqual(kept, [5, 6, 7]);
  // Neither entries nor signatures of what was evicted stay behind until their time is over.
  const { entries, signatures } = namesOf(place);
  for (const prefix of [entries, signatures]) assert.equal(((await call('KEYS', `${prefix}*`)) as string[]).length, 3);
  const other = await store.fill({ ...place, scopeId: 'team:b' }, question('Mine'), entry('b'), small);
  assert.equal(other.evicted, 0);
});

test('a vector leaves with its entry', async () => {
  const small = { ...factsBounds, entriesMax: 3 };
  const groups = [place, { ...place, fingerprint: new Uint8Array(32).fill(9) }];
  for (let index = 0; index < 8; index++) {
    await store.fill(groups[index % 2] ?? place, near(`Question number ${index}`), entry(`${index}`), small);
  }
  const names = groups.map(namesOf);
  const cards = await Promise.all(names.map((name) => call('VCARD', name.sets + name.group)));
  assert.deepEqual(cards, [1, 2]);
});

test('where the words decide no vector command is called, and an evicted signature leads nowhere', async () => {
  await call('CONFIG', 'RESETSTAT');
  const small = { ...bounds, entriesMax: 2 };
  await store.fill(place, question('What is the capital of Spain?'), entry('Madrid.'), small);
  await store.fill(place, question('What is the capital of France?'), entry('Paris.'), small);
  await store.fill(place, question("what's the capital of France"), entry('Paris, again.'), small);
  // The newest of those that agree.
  const asked = question('please tell me what is the capital of France');
  const found = await store.lookup(place, asked, rules);
  assert.deepEqual(found, { answer: chatAnswer('Paris, again.'), facts, similarity: 1, kind: 'semantic' });
  assert.equal(await store.lookup(place, question('Name the capital of France'), rules), undefined);
  assert.doesNotMatch(String(await call('INFO', 'commandstats')), /cmdstat_v/i);
  await call('DEL', ...((await call('KEYS', `${namesOf(place).entries}*`)) as string[]));
  assert.equal(await store.lookup(place, asked, rules), undefined);
  await store.fill(place, question('What is the capital of France?'), entry('Paris, once more.'), small);
  assert.equal(contentOf(await store.lookup(place, asked, rules)), 'Paris, once more.');
});

test('an entry that is evicted takes its signature along, but not that of a newer one', async () => {
  const small = { ...bounds, entriesMax: 2 };
  const { signatures } = namesOf(place);
  const asked = question('please tell me what is the capital of France');
  const kept = async () => ((await call('KEYS', `${signatures}*`)) as string[]).length;
  await store.fill(place, question('What is the capital of France?'), entry('Paris.'), small);
  await store.fill(place, question("what's the capital of France"), entry('Paris, again.'), small);
  assert.equal(await kept(), 1);
  assert.equal((await store.fill(place, question('Is it late?'), entry('No.'), small)).evicted, 1);
  assert.equal(contentOf(await store.lookup(place, asked, rules)), 'Paris, again.');
  assert.equal((await store.fill(place, question('Is it early?'), entry('No.'), small)).evicted, 1);
  assert.equal(await store.lookup(place, asked, rules), undefined);
  assert.equal(await kept(), 2);
});

test('with facts an entry is found as long as it lives, whatever else has its signature', async () => {
  const long = { ...factsBounds, ttlSeconds: 1000, entriesMax: 2 };
  const other = near('convert francs to crowns');
  const asked = near('please convert euros to dollars');
  assert.equal(other.signatures.facts, asked.signatures.facts);
  await store.fill(place, near('convert euros to dollars'), entry('A'), long);
  await store.fill(place, other, entry('B'), { ...long, ttlSeconds: 100 });
  const { signatures, group } = namesOf(place);
  const ttlSeconds = Number(await call('TTL', `${signatures}${group}:facts:${asked.signatures.facts}`));
  assert.ok(ttlSeconds > 100, `${ttlSeconds} s`);
  assert.equal((await store.fill(place, near('Is 7 a prime?'), entry('C'), long)).evicted, 1);
  assert.equal(contentOf(await store.lookup(place, asked, factsRules)), 'A');
});

test('a lower bound is reached in steps, so that no call takes long', async () => {
  for (let index = 0; index < 30; index++) await store.fill(place, question(`Topic ${index}`), entry('x'), bounds);
  const lower = { ...bounds, entriesMax: 2 };
  const evicted = [];
  for (let index = 30; index < 36; index++) {
    evicted.push((await store.fill(place, question(`Topic ${index}`), entry('x'), lower)).evicted);
  }
  assert.deepEqual(evicted, [8, 8, 8, 8, 1, 1]);
});

test('an entry lives as long as its time to live, and everything of a scope goes with its last entry', async () => {
  await store.fill(place, near('Short'), entry('s'), { ...factsBounds, ttlSeconds: 100 });
  await store.fill(place, near('Long'), entry('l'), { ...factsBounds, ttlSeconds: 1000 });
  await store.fill(place, near('Middle'), entry('m'), { ...factsBounds, ttlSeconds: 500 });
  const names = namesOf(place);
  const ttlSeconds = async (key: string) => Number(await call('TTL', key));
  const entryKey = (text: string) => `${names.entries}${names.group}:${question(text).signatures.exact}`;
  assert.deepEqual(await Promise.all([...['Short', 'Long', 'Middle'].map(entryKey)].map(ttlSeconds)), [100, 1000, 500]);
  assert.deepEqual(await Promise.all([names.sets + names.group, names.expiries].map(ttlSeconds)), [1000, 1000]);
  for (const key of (await call('KEYS', '*')) as string[]) assert.ok((await ttlSeconds(key)) > 0, key);
});

test('no key is without a time to live, whatever agrees', async () => {
  for (const agreement of ['exact', 'content', 'facts', 'none'] as const) {
    for (const text of ['One', 'Two', 'One']) {
      await store.fill(place, readQuestion(text, agreement), entry(text), { ...bounds, agreement, entriesMax: 2 });
    }
    for (const key of (await call('KEYS', '*')) as string[]) assert.ok(Number(await call('PTTL', key)) > 0, key);
  }
});

test('what expired leaves the list of a scope that is below its bound, several a fill', async () => {
  const { expiries, group } = namesOf(place);
  // Lines whose time is over; their entries are gone.
  for (let index = 0; index < 12; index++) await call('ZADD', expiries, String(index), `${group}:${index}`);
  const swept = [];
  for (let fills = 0; fills < 3; fills++) swept.push(await store.fill(place, question('Last'), entry('x'), bounds));
  assert.deepEqual(
    swept.map(({ evicted, expired }) => [evicted, expired]),
    [
      [0, 8],
      [0, 4],
      [0, 0],
    ],
  );
});

test('expired entries leave the vector set: when they are met, and with later fills', async () => {
  const names = namesOf(place);
  const set = names.sets + names.group;
  for (const text of ['One', 'Two', 'Three']) await store.fill(place, near(text), entry(text), factsBounds);
  // As after their time: the entry is gone, and its line in the list of expiries is over.
  const expire = async (text: string) => {
    const { exact } = near(text).signatures;
    await call('DEL', `${names.entries}${names.group}:${exact}`);
    await call('ZADD', names.expiries, '1', `${names.group}:${exact}`);
  };
  await expire('One');
  assert.equal(await store.lookup(place, near('please one'), factsRules), undefined);
  assert.equal(await call('VCARD', set), 2);
  await expire('Two');
  const swept = await store.fill(place, near('Four'), entry('Four'), factsBounds);
  assert.equal(swept.expired + swept.orphans >= 2, true);
  assert.equal(await call('VCARD', set), 2);
  assert.equal(await call('ZCARD', names.expiries), 2);
});

test('members whose entry and record the server evicted are found by sampling and by the bound', async () => {
  const names = namesOf(place);
  const set = names.sets + names.group;
  for (let index = 0; index < 20; index++) await store.fill(place, near(`Subject ${index}`), entry('x'), factsBounds);
  const entries = (await call('KEYS', `${names.entries}*`)) as string[];
  await call('DEL', names.expiries, ...entries);
  let orphans = 0;
  for (let index = 0; index < 400; index++) {
    orphans += (await store.fill(place, near('Only one'), entry('x'), factsBounds)).orphans;
  }
  assert.ok(orphans >= 15, `${orphans} of 20 orphans removed by 400 fills`);
  assert.equal(await call('VCARD', set), 21 - orphans);
});

test('at the bound an entry that lives keeps its vector', async () => {
  const small = { ...factsBounds, entriesMax: 4 };
  const set = namesOf(place).sets + namesOf(place).group;
  const cards = [];
  for (let index = 1; index <= 100; index++) {
    await store.fill(place, near(`Subject ${index}`), entry('x'), small);
    cards.push((await call('VCARD', set)) === Math.min(index, 4));
  }
  assert.equal(cards.indexOf(false), -1);
});

test('a large text hits by its exact wording only', async () => {
  const large = `${'word '.repeat(2000)}end`;
  assert.equal(near(large).vector, undefined);
  await store.fill(place, question(large), entry('L'), bounds);
  assert.equal((await store.lookup(place, question(large), rules))?.kind, 'exact');
  assert.equal(await store.lookup(place, question(large.replace('end', 'END')), rules), undefined);
});

test('a server without vector sets serves what words decide, else exact hits, and is asked for nothing else', async () => {
  const older = {
    run: redis.run.bind(redis),
    runBinary: redis.runBinary.bind(redis),
    ready: redis.ready.bind(redis),
    command: async () => [null],
    onServer: (handler: (runId: string) => void) => handler('run'),
  };
  const plain = new CacheStore(older, logger);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(plain.hasVectors, false);
  await call('CONFIG', 'RESETSTAT');
  const small = { ...bounds, entriesMax: 1 };
  await plain.fill(place, question('What is the capital of Spain?'), entry('x'), small);
  const swept = await plain.fill(place, question('What is the capital of France?'), entry('Paris.'), small);
  assert.equal(swept.evicted, 1);
  assert.equal(contentOf(await plain.lookup(place, question('what is the capital of france'), rules)), 'Paris.');
  assert.equal(contentOf(await plain.lookup(place, question("what's the capital of France"), rules)), 'Paris.');
  await plain.fill(place, near('Convert euros to dollars'), entry('A'), { ...factsBounds, entriesMax: 1 });
  assert.equal(await plain.lookup(place, near('please convert euros to dollars'), factsRules), undefined);
  assert.doesNotMatch(String(await call('INFO', 'commandstats')), /cmdstat_v/i);
});
