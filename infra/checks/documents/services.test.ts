import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeRows, leadingCode, read } from './page.ts';
import { serviceVariables } from './variables.ts';

const common = codeRows(read('docs/environment.md').split('\n## Every service\n')[1]?.split('\n## ')[0] ?? '').map(
  ([variable]) => leadingCode(variable) ?? '',
);
const elsewhere = new Map(
  codeRows(read('docs/environment.md')).flatMap(([variable, value = '', readers = '']) =>
    readers.split(', ').map((reader): [string, string] => [`${reader} ${leadingCode(variable)}`, value]),
  ),
);

for (const [service, variables] of await serviceVariables()) {
  const page = read(`services/${service}/README.md`);
  const configuration = page.split('\n## Configuration\n')[1]?.split('\n## ')[0] ?? '';
  const failures = page.split('\n## Failure modes\n')[1]?.split('\n## ')[0] ?? '';

  test(`services/${service}/README.md has the form that all have`, () => {
    assert.match(page, new RegExp(`^# ${service}\n\n[A-Z][^|#]+\\.\n\n`), 'a title and a sentence');
    assert.match(page, /^\*\*Consumes\*\* /m);
    assert.match(page, /^\*\*Produces\*\* /m);
    assert.ok((failures.match(/^\| /gm) ?? []).length >= 4, 'failure modes');
  });

  test(`services/${service}/README.md has the variables of its own, as docs/environment.md has them`, () => {
    const rows = codeRows(configuration);
    const own = [...variables.keys()].filter((variable) => !common.includes(variable) || variable === 'TOLLGATE_PORT');
    assert.deepEqual(rows.map(([variable]) => leadingCode(variable)).sort(), own.sort());
    for (const [variable, value] of rows)
      assert.equal(value, elsewhere.get(`${service} ${leadingCode(variable)}`), variable);
  });
}
