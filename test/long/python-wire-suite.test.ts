import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Doorman, doorman } from '../compat/doorman.ts';
import { clientSources, pythonWithClient } from '../compat/python/environment.ts';
import { demoOf } from '../support/demo.ts';
import { sharedSystem } from '../support/system.ts';

// The wire tests that the makers of the Python client ship with its sources, against the gateway in place of their mock: sync and
// async, loose and with strictly validated answers. Left out are surfaces that the gateway has not, bodies of every parameter at
// once and of none (all of responses), which no provider takes, and ids that the tests make up.

const python = await pythonWithClient();
const skip = python === undefined && 'left out: this machine has no python3 with venv';

describe("the wire tests of OpenAI's Python client", { skip }, () => {
  const system = sharedSystem();
  let door: Doorman;
  let sources: string;
  let demo: string;

  before(async () => {
    demo = await demoOf(system);
    // The model that they name.
    const named = 'models: [{ name: gpt-6-astra, deployment: gpt-4o, baseModel: gpt-4o }, gpt-4o, ';
    const configuration = demo.replace('models: [gpt-4o, ', named);
    assert.notEqual(configuration, demo);
    await system.apply(configuration);
    const { key } = await system.createKey('engineering', 'wire-suite');
    door = await doorman(`${(await system.status()).gatewayUrl}`, key);
    sources = await clientSources(python as string);
  });
  after(async () => {
    await door?.close();
    await system.apply(demo);
  });

  for (const [file, chosen] of [
    ['chat/test_completions.py', 'create and not all_params'],
    // The client asks for base64 and, when strict, wants numbers before it has decoded it: that fits a mock alone.
    ['test_embeddings.py', 'loose or all_params'],
    ['test_models.py', 'list or retrieve'],
  ] as const) {
    test(file, async () => {
      const options = ['-q', '-o', 'addopts=', '-p', 'no:cacheprovider', '-k', chosen];
      const args = ['-m', 'pytest', ...options, `tests/api_resources/${file}`];
      const env = { ...process.env, TEST_API_BASE_URL: `${door.url}/v1` };
      const { stdout } = await promisify(execFile)(python as string, args, { cwd: sources, env }).catch(
        (error) => error,
      );
      const [, passed] = /^(\d+) passed[^\n]*$/m.exec(stdout) ?? [];
      assert.ok(Number(passed) > 0 && !/failed|error/.test(stdout.trimEnd().split('\n').at(-1)), stdout);
    });
  }
});
