import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from './program.ts';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.split('\n')[0] ?? '', text]),
);

/** What can be called: commands without further ones below them, by their whole name. */
function leaves(command: Command, name = ''): [string, Command][] {
  if (command.commands.length === 0) return [[name, command]];
  return command.commands.flatMap((inner) => leaves(inner, `${name} ${inner.name()}`.trim()));
}

const commands = new Map(leaves(program()));

test('docs/cli.md has every command, and no other', () => {
  assert.deepEqual([...sections.keys()].sort(), [...commands.keys()].sort());
});

for (const [name, command] of commands) {
  const section = sections.get(name) ?? '';

  test(`docs/cli.md, ${name}: its options, with their defaults`, () => {
    const documented = [...section.matchAll(/^\| `(-[^`]+)` *\| *(.*?) *\|/gm)].map(([, flags = '', value = '']) => ({
      flags,
      required: value === 'required',
    }));
    const options = command.options.map(({ flags, mandatory }) => ({ flags, required: mandatory }));
    assert.deepEqual(documented, options);
    for (const { flags, defaultValue } of command.options)
      if (defaultValue !== undefined)
        assert.ok(section.replaceAll(/ +/g, ' ').includes(`| \`${flags}\` | \`${defaultValue}\` |`), flags);
  });

  test(`docs/cli.md, ${name}: its arguments`, () => {
    const usage = command.registeredArguments.map((argument) => {
      const shown = argument.name() === 'query' ? '"<query>"' : `<${argument.name()}>`;
      return argument.required ? shown : `[${argument.name()}]`;
    });
    if (usage.length > 0) assert.ok(section.includes(`npx tollgate ${name} ${usage.join(' ')}`), usage.join(' '));
  });
}

test('documents call only commands and options that exist', () => {
  const root = new URL('../../../', import.meta.url).pathname;
  const pages = globSync(['*.md', '{docs,packages,services,infra,apps}/**/*.md'], {
    cwd: root,
    exclude: (name) => name.includes('node_modules'),
  });
  let calls = 0;
  for (const file of pages) {
    for (const [, call = ''] of readFileSync(`${root}${file}`, 'utf8').matchAll(/npx tollgate ([a-z][^`|#\n]*)/g)) {
      const [first = '', second = ''] = call.trim().split(' ');
      // A command with others below it may be named alone, or with a list of them.
      const group = [...commands.keys()].some((name) => name.startsWith(`${first} `));
      const command = commands.get(first) ?? commands.get(`${first} ${second}`);
      assert.ok(command ?? group, `${file}: npx tollgate ${call}`);
      for (const [option] of command ? call.matchAll(/(?<= )--?[a-z][a-z-]*/g) : [])
        assert.ok(
          command?.options.some(({ short, long }) => option === short || option === long),
          `${file}: npx tollgate ${call}`,
        );
      calls++;
    }
  }
  assert.ok(calls > 30);
});
