import type { Status } from '../control/status.ts';

export interface ReportOptions {
  status: Status;
  key: string | undefined;
  /** The model of the curl line. Undefined: the rotation picks one. */
  model: string | undefined;
  /** Where the admin API's token stands. */
  tokenPlace: string;
  /** Not from an authority, so curl must be told to take it. */
  selfSigned: boolean;
  seconds: number;
}

/** The last lines of a start: where everything is, a key, and a line that works as typed. */
export function report({ status, key, model, tokenPlace, selfSigned, seconds }: ReportOptions): string {
  const body = JSON.stringify({ ...(model && { model }), input: 'What is the capital of France?' });
  const lines = [
    ...(status.simulatorUrl ? [simulatorBanner(status.simulatorUrl)] : []),
    `Tollgate is ready (${seconds.toFixed(1)} s).`,
    '',
    `  Gateway   ${status.gatewayUrl}   ${status.gatewayTlsUrl}${selfSigned ? ' (self-made certificate: curl -k)' : ''}`,
    `  Console   ${status.consoleUrl}   (token: ${tokenPlace})`,
    `  Home      ${status.home}`,
    ...(status.ledger === 'ready' ? [] : ['  Ledger    on its way; until then usage waits in NATS']),
    '',
    ...(key
      ? [`  Key of team engineering (shown this once):  ${key}`]
      : ['  A key:  npx tollgate keys create --team engineering --name my-key']),
    '',
    '  Try it:',
    '',
    `  curl ${status.gatewayUrl}/openai/responses \\`,
    `    -H "Content-Type: application/json" -H "X-API-Key: ${key ?? '<your key>'}" \\`,
    `    -d '${body}'`,
    '',
    '  npx tollgate status | usage --team engineering | logs | tail | down          Ctrl-C stops everything',
  ];
  return `\n${lines.join('\n')}\n`;
}

function simulatorBanner(url: string): string {
  const lines = [
    'A  S I M U L A T O R  ANSWERS,  N O T  AZURE OPENAI',
    `(${url})`,
    'For real answers set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY.',
  ];
  const width = Math.max(...lines.map((line) => line.length));
  const rule = '#'.repeat(width + 8);
  return [rule, ...lines.map((line) => `##  ${line.padEnd(width)}  ##`), rule, ''].join('\n');
}
