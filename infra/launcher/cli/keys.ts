import { Command } from 'commander';
import type { CreatedKey } from '../admin-client.ts';
import { adminClient, print, printJson } from './context.ts';
import { table } from './table.ts';

interface ListedKey {
  id: string;
  name: string;
  team: string;
  lastFive: string;
  state: string;
  createdAtMs?: number;
  expiresAtMs?: number;
}

export const keysCommand = () =>
  new Command('keys')
    .description('API keys of teams')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand());

const several = (value: string, before: string[] = []) => [...before, value];

const createCommand = () =>
  new Command('create')
    .description('make a key; it is shown this once')
    .requiredOption('--team <team>', 'the team (project.team where two projects have one of that name)')
    .requiredOption('--name <name>', '3 to 63 of a-z, 0-9 and -')
    .option('--proxy <proxy>', 'allowed proxy (may be repeated; default all)', several)
    .option('--model <model>', 'allowed model (may be repeated; default all)', several)
    .option('--expires <duration>', '30d, 12h, …')
    .option('--json', 'as JSON')
    .action(async ({ team, name, proxy, model, expires, json }) => {
      const body = { team, name, proxies: proxy, models: model, expires };
      showKey(await (await adminClient()).json<CreatedKey>('/api/keys', { method: 'POST', json: body }), json);
    });

const listCommand = () =>
  new Command('list')
    .description('all keys, by their last five digits')
    .option('--team <team>', 'of one team')
    .option('--json', 'as JSON')
    .action(async ({ team, json }: { team?: string; json?: boolean }) => {
      const { keys } = await (await adminClient()).json<{ keys: ListedKey[] }>('/api/keys');
      const wanted = keys.filter((key) => team === undefined || key.team === team);
      if (json) return printJson(wanted);
      const day = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString().slice(0, 10));
      print(
        table(
          wanted.map(({ id, name, team: owner, lastFive, state, createdAtMs, expiresAtMs }) => ({
            ...{
              id,
              name,
              team: owner,
              key: `…${lastFive}`,
              state,
              created: day(createdAtMs),
              expires: day(expiresAtMs),
            },
          })),
        ),
      );
    });

const rotateCommand = () =>
  new Command('rotate')
    .description('make a new key in place of one; the old one works on for a while')
    .argument('<id>')
    .option('--overlap <duration>', 'how long the old one works on (default 24h)')
    .option('--json', 'as JSON')
    .action(async (id: string, { overlap, json }: { overlap?: string; json?: boolean }) => {
      const path = `/api/keys/${encodeURIComponent(id)}/rotate`;
      showKey(await (await adminClient()).json<CreatedKey>(path, { method: 'POST', json: { overlap } }), json);
    });

const revokeCommand = () =>
  new Command('revoke')
    .description('end a key at once, for ever')
    .argument('<id>')
    .option('--json', 'as JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const answer = await (await adminClient()).json<object>(`/api/keys/${encodeURIComponent(id)}`, {
        method: 'DELETE',
      });
      if (json) printJson(answer);
      else print(`Revoked ${id}.`);
    });

function showKey(created: CreatedKey, json: boolean | undefined): void {
  if (json) printJson(created);
  else print(`${created.key}\n(${created.name}, id ${created.id}; shown this once)`);
}
