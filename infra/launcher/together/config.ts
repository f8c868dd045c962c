import { type Environment, readEnvironment, z } from '@tollgate/config';
import { mayShare, sharing } from './groups.ts';

/** What a process of several services reads itself; each service reads its own. */
export const readConfig = (environment?: Environment) =>
  readEnvironment(
    {
      /** Services of this process, with commas between. */
      TOLLGATE_SERVICES: z.string().transform((text, context) => {
        const services = sharing(text.split(','));
        if (!services)
          context.addIssue(`must be services with commas between them, each once, of ${mayShare.join(', ')}`);
        return services ?? z.NEVER;
      }),
    },
    environment,
  );
