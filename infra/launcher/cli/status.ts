import { Command } from 'commander';
import { controlRequest } from '../control/client.ts';
import type { Status } from '../control/status.ts';
import { commandConfig, print, printJson } from './context.ts';
import { table } from './table.ts';

export const statusCommand = () =>
  new Command('status')
    .description('what runs here: addresses, services, engines')
    .option('--json', 'as JSON; URLs of engines carry their credentials')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await controlRequest<Status>(commandConfig().home, 'GET', '/status');
      if (json) printJson(status);
      else print(statusText(status));
    });

function statusText(status: Status): string {
  const state = (ready: boolean, pid: number | null) => (ready ? 'ready' : pid === null ? 'down' : 'not ready');
  const services = status.services.map(({ replica, pid, ready, address, restarts }) => ({
    ...{ service: replica, state: state(ready, pid), pid, restarts, address },
  }));
  const engines = status.engines.map(({ name, pid, ready, version, source, restarts }) => ({
    ...{ engine: name, state: source === 'url' ? 'elsewhere' : state(ready, pid), pid, restarts, version, source },
  }));
  return [
    `Gateway    ${status.gatewayUrl}   ${status.gatewayTlsUrl}   ${status.ready ? 'ready' : 'NOT READY'}`,
    `Console    ${status.consoleUrl}`,
    ...(status.simulatorUrl ? [`Simulator  ${status.simulatorUrl} (answers instead of Azure OpenAI)`] : []),
    `Ledger     ${status.ledger}`,
    `Home       ${status.home} (launcher: ${status.pid})`,
    '',
    table(services),
    '',
    table(engines),
  ].join('\n');
}
