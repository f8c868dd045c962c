import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { commandConfig, print } from './context.ts';
import { followFile, lastLines } from './log-reader.ts';

interface Options {
  lines: string;
  follow?: boolean;
}

export const logsCommand = () =>
  new Command('logs')
    .description('what services and engines write')
    .argument('[service]', 'a service, a replica or an engine (default: all)')
    .option('-n, --lines <count>', 'of each', '30')
    .option('-f, --follow', 'go on showing what is written')
    .action(async (service: string | undefined, { lines, follow }: Options) => {
      const folder = path.join(commandConfig().home, 'logs');
      const names = logNames(folder, service);
      const [only] = names;
      if (!only) throw new Error(`There is no log of ${service ?? 'anything'} in ${folder}.`);
      const show = (name: string) => (line: string) => print(names.length === 1 ? line : `${name} | ${line}`);
      for (const name of names)
        for (const line of lastLines(path.join(folder, `${name}.log`), Number(lines))) show(name)(line);
      if (follow) await Promise.all(names.map((name) => followFile(path.join(folder, `${name}.log`), show(name))));
    });

/** `guard-pii` names all its replicas, also where it shares a process, `guard-pii-1` one of them. */
export function logNames(folder: string, service: string | undefined): string[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  const names = files.filter((file) => file.endsWith('.log')).map((file) => file.slice(0, -'.log'.length));
  return names.filter((name) => service === undefined || namesOf(name).includes(service)).sort();
}

/** Of `ingress+pipeline-1`: itself and without its number, and both for each of its services. */
function namesOf(log: string): string[] {
  const [, service = log, number = ''] = /^(.+?)(-\d+)?$/.exec(log) ?? [];
  return [service, ...service.split('+')].flatMap((name) => [name, name + number]);
}
