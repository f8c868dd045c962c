import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Provider } from '@tollgate/config';
import { Credentials } from './credentials.ts';

const provider = (reference: Provider['apiKey']): Provider => ({
  name: 'azure',
  type: 'azure-openai',
  endpoint: 'https://azure.example',
  insecure: false,
  apiKey: reference,
  models: [{ name: 'gpt-4o', deployment: 'gpt-4o', baseModel: 'gpt-4o' }],
});

/** No token is asked for here. */
const unused = { pool: () => assert.fail(), onTokenAsked: () => assert.fail() };

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'credentials-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Credentials that look after one file, which has been looked at once; `lines` is what they logged. */
async function following(file: string) {
  const lines: string[] = [];
  const log = (level: string) => (about: object, text: string) =>
    void lines.push(`${level} ${text} ${JSON.stringify(about)}`);
  const credentials = new Credentials({ ...unused, logger: { warn: log('warn'), info: log('info') } as never });
  const azure = provider({ file });
  credentials.configured([azure]);
  await credentials.settled();
  return { credentials, azure, lines };
}

/** What a request finds, which must be there at once. */
function found(credentials: Credentials, azure: Provider): string {
  const key = credentials.find(azure);
  assert.ok(!(key instanceof Promise), 'a request waits');
  return 'missing' in key ? `missing: ${key.missing}` : `${key.key} ${key.version}`;
}

/** As kubelet writes it: what is mounted are links through `..data`, which is swapped as a whole. */
async function project(folder: string, generation: string, value: string): Promise<void> {
  await mkdir(path.join(folder, generation));
  await writeFile(path.join(folder, generation, 'key'), value);
  await symlink(generation, path.join(folder, '..data_tmp'));
  await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
}

test("a mounted secret of Kubernetes is swapped by a directory's symbolic link", async (t) => {
  const folder = await folderFor(t);
  await project(folder, '..2026_1', 'first\n');
  await symlink('..data/key', path.join(folder, 'key'));
  const { credentials, azure } = await following(path.join(folder, 'key'));
  assert.equal(found(credentials, azure), 'first 1');
  await project(folder, '..2026_2', 'second\n');
  assert.equal(found(credentials, azure), 'first 1', 'no request reads a file');
  await credentials.check();
  assert.equal(found(credentials, azure), 'second 2');
  await rm(path.join(folder, '..2026_1'), { recursive: true });
  await credentials.check();
  assert.equal(found(credentials, azure), 'second 2', 'what is the same has the same version');
});

test('another file of the name, and other text in the same file', async (t) => {
  const file = path.join(await folderFor(t), 'key');
  await writeFile(file, 'first');
  const { credentials, azure } = await following(file);
  await writeFile(`${file}.new`, 'other');
  await rename(`${file}.new`, file);
  await credentials.check();
  assert.equal(found(credentials, azure), 'other 2');
  await writeFile(file, 'third');
  await credentials.check();
  assert.equal(found(credentials, azure), 'third 3');
});

test('a file that vanishes, or has nothing usable in it, leaves the last good value and is told of once', async (t) => {
  const file = path.join(await folderFor(t), 'key');
  await writeFile(file, 'secret-value');
  const { credentials, azure, lines } = await following(file);
  assert.equal(credentials.health, true);
  for (const spoil of [() => unlink(file), () => writeFile(file, ''), () => writeFile(file, 'two words')]) {
    await spoil();
    await credentials.check();
    await credentials.check();
    assert.equal(found(credentials, azure), 'secret-value 1');
    assert.equal(credentials.count('kept'), 1);
    assert.match(JSON.stringify(credentials.health), /degraded.*kept: file .*key/);
  }
  await writeFile(file, 'secret-value');
  await credentials.check();
  assert.equal(credentials.health, true);
  assert.deepEqual([credentials.count('kept'), credentials.count('good')], [0, 1]);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['warn', 'warn', 'info'],
    lines.join('\n'),
  );
  assert.doesNotMatch(lines.join('\n'), /secret-value|two words/);
});

test('what is not there is known without a request, and found when it comes', async (t) => {
  const file = path.join(await folderFor(t), 'key');
  const { credentials, azure } = await following(file);
  assert.match(found(credentials, azure), /^missing: file .*key is not there or empty$/);
  assert.equal(credentials.count('missing'), 1);
  await writeFile(file, 'late');
  await credentials.check();
  assert.equal(found(credentials, azure), 'late 1');
});

test('a refused key is looked at once more at once, and only once', async (t) => {
  const file = path.join(await folderFor(t), 'key');
  await writeFile(file, 'first');
  const { credentials, azure } = await following(file);
  await writeFile(file, 'second');
  assert.equal(await credentials.renew(azure, 1), true);
  assert.equal(found(credentials, azure), 'second 2');
  assert.equal(await credentials.renew(azure, 1), true, 'of another call with the old key');
  assert.equal(await credentials.renew(azure, 2), false);
  await writeFile(file, 'third');
  assert.equal(await credentials.renew(azure, 2), false, 'a wrong key costs one reading');
  await credentials.check();
  assert.equal(await credentials.renew(azure, 2), true);
});

test('variables and endpoints without a key', async (t) => {
  process.env.TEST_UPSTREAM_KEY = 'from-the-environment';
  t.after(() => delete process.env.TEST_UPSTREAM_KEY);
  const credentials = new Credentials({ ...unused, logger: { warn: () => {}, info: () => {} } as never });
  const [named, absent, open] = [
    provider({ env: 'TEST_UPSTREAM_KEY' }),
    provider({ env: 'NOWHERE_SET' }),
    provider(undefined),
  ];
  credentials.configured([named, absent, open]);
  await credentials.settled();
  assert.equal(found(credentials, named), 'from-the-environment 1');
  assert.equal(await credentials.renew(named, 1), false);
  assert.match(found(credentials, absent), /^missing: environment variable NOWHERE_SET/);
  assert.equal(found(credentials, open), 'undefined 0');
  assert.equal(await credentials.renew(open, 0), false);
});

test('what the configuration does not name any more is not looked after', async (t) => {
  const file = path.join(await folderFor(t), 'key');
  await writeFile(file, 'first');
  const { credentials, azure } = await following(file);
  const again = provider({ file });
  credentials.configured([again]);
  assert.equal(found(credentials, again), 'first 1', 'two revisions share what is known');
  credentials.configured([]);
  await writeFile(file, 'second');
  await credentials.check();
  assert.equal(credentials.count('good'), 0);
  assert.equal(found(credentials, azure), 'first 1');
});
