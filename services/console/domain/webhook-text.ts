import type { LimitEvent } from '@tollgate/contracts';

/** What an event says to people. */
export interface EventText {
  title: string;
  sentence: string;
  facts: { name: string; value: string }[];
}

const UNITS: Readonly<Record<string, string>> = {
  tokens: 'tokens',
  prompt_tokens: 'prompt tokens',
  completion_tokens: 'completion tokens',
  requests: 'requests',
};

export function textOf(event: LimitEvent): EventText {
  const { kind, percent, quantity, window, windowEndMs, amount, spent, models, per, mode } = event;
  const owner = ownerOf(event);
  const ends = new Date(windowEndMs).toISOString();
  const title = kind === 'refused' ? `Budget is spent: ${owner}` : `Budget at ${percent} %: ${owner}`;
  const limit = `${shown(quantity, amount)} for ${window}`;
  const sentence =
    kind === 'refused'
      ? `Requests of ${owner} are refused: the limit of ${limit} has no room for them. It begins anew at ${ends}.`
      : `${owner[0]?.toUpperCase()}${owner.slice(1)} has used ${percent} % of the limit of ${limit}. It begins anew at ${ends}.`;
  const facts = [
    { name: 'Used', value: `${shown(quantity, spent)} of ${shown(quantity, amount)}` },
    { name: 'Window', value: `${window}, ends ${ends}` },
    ...(models.length > 0 ? [{ name: 'Models', value: models.join(', ') }] : []),
    ...(per !== '' ? [{ name: 'Counted for each', value: per }] : []),
    { name: 'Mode', value: mode },
  ];
  return { title, sentence, facts };
}

function ownerOf({ scope, scopeName, project }: LimitEvent): string {
  return scope === 'team' && project !== '' ? `team ${scopeName} of project ${project}` : `${scope} ${scopeName}`;
}

/** `1,000,000 tokens`, `12.5 US dollars`. */
function shown(quantity: string, amount: number): string {
  if (quantity !== 'cost_nano_usd') return `${amount.toLocaleString('en-US')} ${UNITS[quantity] ?? quantity}`;
  const digits = String(amount).padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '').concat(' US dollars');
}
