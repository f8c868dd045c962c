import { AdminClient } from '../admin-client.ts';
import { type LauncherConfig, readConfig } from '../config.ts';
import { controlRequest, NotRunningError } from '../control/client.ts';
import { readKeptToken } from '../start/kept-state.ts';

export const commandConfig = (): LauncherConfig => readConfig();

/**
 * The admin API: of TOLLGATE_CONSOLE_URL, else of the installation that runs in TOLLGATE_HOME. The token is
 * TOLLGATE_ADMIN_TOKEN, else the installation's own.
 */
export async function adminClient(config = commandConfig()): Promise<AdminClient> {
  if (config.consoleUrl) {
    const token = config.adminToken ?? readKeptToken(config.home);
    if (!token) throw new Error('TOLLGATE_CONSOLE_URL is set: set TOLLGATE_ADMIN_TOKEN too.');
    return new AdminClient(config.consoleUrl, token);
  }
  const { url, token } = await controlRequest<{ url: string; token: string }>(config.home, 'GET', '/console').catch(
    (error) => {
      if (error instanceof NotRunningError) throw new Error(`${error.message}, or set TOLLGATE_CONSOLE_URL.`);
      throw error;
    },
  );
  return new AdminClient(url, config.adminToken ?? token);
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
