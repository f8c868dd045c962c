import { Command } from 'commander';
import type { ConsoleStatus, WebhookStatus } from '../admin-client.ts';
import { controlRequest } from '../control/client.ts';
import type { Status } from '../control/status.ts';
import { adminClient, commandConfig, print, printJson } from './context.ts';
import { table } from './table.ts';

export const statusCommand = () =>
  new Command('status')
    .description('what runs here: addresses, services, engines')
    .option('--json', 'as JSON; URLs of engines carry their credentials')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await controlRequest<Status>(commandConfig().home, 'GET', '/status');
      const webhooks = await webhooksOf();
      if (json) printJson({ ...status, ...(webhooks && { webhooks }) });
      else print(statusText(status, webhooks));
    });

/** Undefined while the console is not there, whose state stands in the rest. */
async function webhooksOf(): Promise<WebhookStatus[] | undefined> {
  try {
    return (await (await adminClient()).json<ConsoleStatus>('/api/status')).webhooks;
  } catch {
    return undefined;
  }
}

/** One row a receiver: what waits, since when, and why. */
function webhookRows(webhooks: readonly WebhookStatus[], nowMs: number): Record<string, unknown>[] {
  return webhooks.map(({ name, scopeId, format, undelivered, oldestUndeliveredAtMs, failures, error }) => ({
    ...{ webhook: name, of: scopeId, format, state: error === undefined ? 'ok' : 'FAILING', undelivered },
    'waiting s': oldestUndeliveredAtMs === undefined ? null : Math.round((nowMs - oldestUndeliveredAtMs) / 1000),
    ...{ failures, error: error ?? null },
  }));
}

function statusText(status: Status, webhooks: readonly WebhookStatus[] = []): string {
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
    ...(webhooks.length > 0 ? ['', table(webhookRows(webhooks, Date.now()))] : []),
  ].join('\n');
}
