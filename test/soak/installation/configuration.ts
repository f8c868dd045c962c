export type TeamName = 'engineering' | 'research' | 'narrow' | 'strict';
export type ProxyName = 'plain' | 'cached' | 'failover' | 'broken';

export const organization = 'soak';
const project = 'faults';
/** Whose rows are older than the hours that pages read from the events, so that they are read from the rollup. */
export const archiveTeam = { name: 'archive', id: `${project}.archive`, project };
export const teamId = (team: TeamName) => `${project}.${team}`;
export const credentialVariable = 'SOAK_PROVIDER_CREDENTIAL';

/** By base model, nano-dollars for a million tokens. Half a nano-dollar a token, so that rounding shows. */
export const prices: Readonly<Record<string, { prompt: number; completion: number }>> = {
  'gpt-4o': { prompt: 2_500_000_000, completion: 10_000_500_000 },
  'gpt-4o-mini': { prompt: 37_500_000, completion: 600_500_000 },
};

/** Deployments of the simulator, by the model that answers there and whose price they have. */
export const deployments: Readonly<Record<string, string>> = {
  'gpt-4o': 'gpt-4o',
  'gpt-4o-mini': 'gpt-4o-mini',
  flaky: 'gpt-4o',
  spare: 'gpt-4o-mini',
  broken: 'gpt-4o',
};

/** What the limits are that the load reaches. */
export interface ReachedLimits {
  /** Of the narrow team, in a calendar window. */
  narrowTokens: number;
  /** Of the strict team, in a rolling window. */
  strictPromptTokens: number;
  /** Of the strict team. */
  rate: { perMinute: number; burst: number };
}

/** tollgate.yaml of the run: two teams whose limits are never reached, one whose tokens end half-way, and one that has a rate and a strict limit. */
export function configuration(endpoint: string, { narrowTokens, strictPromptTokens, rate }: ReachedLimits): string {
  const dollars = (nano: number) => (nano / 1e9).toString();
  const priceLines = Object.entries(prices).map(
    ([model, { prompt, completion }]) =>
      `  ${model}: { prompt: ${dollars(prompt)}, completion: ${dollars(completion)} }`,
  );
  const modelLines = Object.entries(deployments).map(([name, base]) => `      - { name: ${name}, baseModel: ${base} }`);
  const rotation = (models: string[], suspendDurationSeconds: number) =>
    `modelRotation: { models: [${models.map((model) => `{ model: ${model} }`).join(', ')}], suspendDurationSeconds: ${suspendDurationSeconds} }`;
  const proxy = (name: ProxyName, guardrails: string[]) =>
    [
      `      - name: ${name}`,
      `        context: /${name}`,
      '        provider: simulator',
      '        guardrails:',
      ...guardrails.map((guardrail) => `          - ${guardrail}`),
    ].join('\n');
  const masking = 'piiMasking: { email: true, phone: true, ssn: true }';
  return `organization: ${organization}
limits:
  - { tokens: 1000000000000, window: 1mo }
priceList:
${priceLines.join('\n')}
providers:
  - name: simulator
    type: azure-openai
    endpoint: ${endpoint}
    apiKey: { env: ${credentialVariable} }
    apiVersion: "2025-04-01-preview"
    models:
${modelLines.join('\n')}
projects:
  - name: ${project}
    limits:
      - { costUsd: 1000000, window: 1d }
    teams:
      - name: engineering
        limits:
          - { tokens: 1000000000, window: 1h }
          - { completionTokens: 1000000000, window: 1d, timeZone: Europe/Berlin }
          - { requests: 100000000, window: 1d }
          - { concurrency: 100000 }
          - { tokens: 1000000000, window: 1d, models: [gpt-4o] }
          - { tokens: 1000000000, window: 24h, rolling: true }
          - { requests: 600000, window: 1m, burst: 600000 }
      - name: research
        limits:
          - { tokens: 1000000000, window: 1d }
          - { promptTokens: 1, window: 1d, mode: shadow }
          - { tokens: 1000000000, window: 1d, per: user, valuesMax: 3 }
      - name: narrow
        limits:
          - { tokens: ${narrowTokens}, window: 1y, mode: hard }
      - name: strict
        limits:
          - { promptTokens: ${strictPromptTokens}, window: 24h, rolling: true, mode: strict }
          - { requests: ${rate.perMinute}, window: 1m, burst: ${rate.burst} }
      - name: ${archiveTeam.name}
    proxies:
${proxy('plain', [masking, rotation(['gpt-4o', 'gpt-4o-mini'], 0)])}
        default: true
${proxy('cached', [masking, 'semanticCache: { similarityThreshold: 0.99, agreement: exact }', rotation(['gpt-4o'], 0)])}
${proxy('failover', [rotation(['flaky', 'spare'], 1)])}
${proxy('broken', [rotation(['broken'], 0)])}
`;
}
