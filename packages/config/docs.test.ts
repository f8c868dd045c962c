import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { configJsonSchema } from './file/json-schema.ts';
import { exampleText, faultsOf } from './fixtures/example.ts';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  required?: string[];
  default?: unknown;
  not?: object;
}

/** Every group of settings of the schema, by the name of its section in the page. Limits of all scopes are one. */
function groups(schema: JsonSchema, name = 'The file', found = new Map<string, JsonSchema>()) {
  if (schema.properties) found.set(name, schema);
  const inside = (part: string) => sectionOf(name === 'The file' ? part : `${name}.${part}`);
  for (const [part, inner] of Object.entries(schema.properties ?? {})) {
    groups(inner, inside(part), found);
    for (const item of inner.items?.anyOf ?? [inner.items ?? {}]) groups(item, inside(`${part}[]`), found);
    if (typeof inner.additionalProperties === 'object') groups(inner.additionalProperties, inside(`${part}.*`), found);
  }
  return found;
}

/** The page calls a group by as much of its path as tells it apart. */
function sectionOf(path: string): string {
  if (path.endsWith('longContext')) return 'longContext';
  if (path.startsWith('priceList.')) return priceSection(path);
  return path.replace(/^.*(?=\blimits\[\])/, '').replace(/^(projects|teams|proxies|guardrails)\[\]\./, '');
}

/** Prices have one shape wherever they stand: of a model, of the fallback. */
function priceSection(path: string): string {
  return path.endsWith('serviceTiers.*') ? 'serviceTiers.*' : path.replace(/^priceList\.fallback/, 'priceList.*');
}

interface Section {
  settings: Map<string, { default: string }>;
  refused: string[];
}

const sections = new Map(
  page
    .slice(page.indexOf('## Settings'))
    .split(/^### /m)
    .slice(1)
    .map((text): [string, Section] => {
      const rows = [...text.matchAll(/^\| `(\w+)` *\| *(.*?) *\|/gm)];
      const refused = /^Refused: ([\s\S]*?)(?:\n\n|$)/m.exec(text)?.[1] ?? '';
      return [
        (text.split('\n')[0] ?? '').replaceAll('`', ''),
        {
          settings: new Map(rows.map(([, setting = '', value = '']) => [setting, { default: value }])),
          refused: [...refused.matchAll(/`([^`]+)`/g)].map(([, what = '']) => what),
        },
      ];
    }),
);

const schemaGroups = groups(configJsonSchema() as JsonSchema);
const isRefused = (schema: JsonSchema) => schema.not !== undefined;

test('docs/configuration.md has a section for each group of settings, and no others', () => {
  assert.deepEqual([...sections.keys()].sort(), [...schemaGroups.keys()].sort());
});

for (const [name, group] of schemaGroups) {
  const section = sections.get(name);
  const settings = Object.entries(group.properties ?? {});

  test(`docs/configuration.md, ${name}: the settings of the schema, with what is required and what is the default`, () => {
    const enforced = settings.filter(([, schema]) => !isRefused(schema)).map(([setting]) => setting);
    assert.deepEqual([...(section?.settings.keys() ?? [])].sort(), enforced.sort());
    for (const [setting, documented] of section?.settings ?? []) {
      const schema = group.properties?.[setting];
      if (schema?.default !== undefined) {
        const value = typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default);
        assert.equal(documented.default, `\`${value}\``, setting);
      } else assert.equal(documented.default === 'required', group.required?.includes(setting) ?? false, setting);
    }
  });

  test(`docs/configuration.md, ${name}: what is refused by name`, () => {
    const refused = settings.filter(([, schema]) => isRefused(schema)).map(([setting]) => setting);
    assert.deepEqual(section?.refused.filter((what) => /^\w+$/.test(what)).sort() ?? [], refused.sort());
  });
}

test('the example of docs/configuration.md can be applied', () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  assert.ok(example.length > 500);
  assert.deepEqual(faultsOf(example), []);
});

/** The design's example as an object, with a setting put where its section says. */
function exampleWithSetting(section: string, setting: string, value: string): string {
  const file = parse(exampleText);
  const [project] = file.projects;
  const [proxy] = project.proxies;
  const places: Record<string, object> = {
    'providers[]': file.providers[0],
    'limits[]': project.teams[0].limits[0],
    piiMasking: proxy.guardrails[0].piiMasking,
    semanticCache: proxy.guardrails[1].semanticCache,
    modelRotation: proxy.guardrails[2].modelRotation,
  };
  Object.assign(places[section] ?? assert.fail(`no example of ${section}`), parse(`${setting}: ${value}`));
  return stringify(file);
}

for (const [name, { refused }] of sections) {
  for (const what of refused) {
    const [, setting, value] = /^(\w+): (.+)$/.exec(what) ?? [];
    if (setting === undefined || value === undefined) continue;
    test(`docs/configuration.md, ${name}: ${what} is refused as not enforced`, () => {
      const faults = faultsOf(exampleWithSetting(name, setting, value));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', new RegExp(`${setting}.*not enforce`));
    });
  }
}
