import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { emptyFolder } from '../fixtures/places.ts';
import { npmPack } from './npm.mjs';

test('a package is used with the checksum that is wanted, and with no other', async (t) => {
  const folder = emptyFolder(t);
  // A folder is packed as a registry's package is fetched, and asks no registry.
  const source = path.join(folder, 'source');
  mkdirSync(source);
  writeFileSync(path.join(source, 'package.json'), '{ "name": "sample", "version": "1.0.0" }');
  const wanted = { name: 'sample', version: `file:${source}`, integrity: 'sha512-of-something-else' };
  const refused = await npmPack(wanted, folder).catch((error: Error) => error.message);
  assert.match(refused, /expected sha512-of-something-else: it was not used/);
  const [integrity = ''] = /sha512-[\w+/]+=*/.exec(refused) ?? [];
  assert.ok(existsSync(await npmPack({ ...wanted, integrity }, folder)));
});
