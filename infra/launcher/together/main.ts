import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { processEnvironment } from '@tollgate/config';
import { repositoryFolder } from '@tollgate/engines';
import { type Member, runService, together } from '@tollgate/lifecycle';
import { readConfig } from './config.ts';
import { memberEnvironment } from './environment.ts';

// Several services in one process: the code is theirs, only what is between them is left out.
const { TOLLGATE_SERVICES: names } = readConfig();

type Service = { start: Member['main'] };

const members = await Promise.all(
  names.map(async (name): Promise<Member> => {
    const file = path.join(repositoryFolder, 'services', name, 'service.ts');
    const { start } = (await import(pathToFileURL(file).href)) as Service;
    return { name, environment: memberEnvironment(name, processEnvironment()), main: start };
  }),
);
await runService({ name: 'gateway', main: together(members) });
