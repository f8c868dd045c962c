import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { processEnvironment, readEnvironment, z } from '@tollgate/config';
import { repositoryFolder } from '@tollgate/engines';
import { type Member, runService, together } from '@tollgate/lifecycle';
import { memberEnvironment } from './environment.ts';
import { mayShare, sharing } from './groups.ts';

// Several services in one process: the code is theirs, only what is between them is left out.
const { TOLLGATE_SERVICES: names } = readEnvironment({
  /** Services of this process, with commas between. */
  TOLLGATE_SERVICES: z.string().transform((text, context) => {
    const services = sharing(text.split(','));
    if (!services) context.addIssue(`must be services with commas between them, each once, of ${mayShare.join(', ')}`);
    return services ?? z.NEVER;
  }),
});

type Service = { start: Member['main'] };

const members = await Promise.all(
  names.map(async (name): Promise<Member> => {
    const file = path.join(repositoryFolder, 'services', name, 'service.ts');
    const { start } = (await import(pathToFileURL(file).href)) as Service;
    return { name, environment: memberEnvironment(name, processEnvironment()), main: start };
  }),
);
await runService({ name: 'gateway', main: together(members) });
