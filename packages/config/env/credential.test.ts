import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { readCredential } from './credential.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'credential-'));
});
after(() => rm(folder, { recursive: true }));

test('it is read from the environment or a file, without the line end', async () => {
  process.env.TEST_CREDENTIAL = 'abc';
  assert.equal(await readCredential({ env: 'TEST_CREDENTIAL' }), 'abc');
  delete process.env.TEST_CREDENTIAL;
  const file = path.join(folder, 'key');
  await writeFile(file, 'def\n');
  assert.equal(await readCredential({ file }), 'def');
});

test('what is not there, empty or no credential is an error that names the reference and never the value', async () => {
  const file = path.join(folder, 'bad');
  await writeFile(file, 'two secret-words');
  for (const reference of [
    { env: 'NOT_SET_ANYWHERE' },
    { file: path.join(folder, 'none') },
    { file: folder },
    { file },
  ]) {
    await assert.rejects(readCredential(reference), (error) => {
      assert.ok(error instanceof TollgateError);
      assert.equal(error.code, 'upstream_misconfigured');
      assert.ok(error.internal?.includes(Object.values(reference)[0] ?? '-'), error.internal);
      assert.doesNotMatch(`${error.message}${error.internal}`, /secret-words/);
      return true;
    });
  }
});
