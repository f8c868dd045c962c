import { Command } from 'commander';
import { adminClient, print, printJson } from './context.ts';
import { type Budget, limitsText } from './limits.ts';
import { table } from './table.ts';

export const usageCommand = () =>
  new Command('usage')
    .description('requests, tokens and cost of a team, from the ledger')
    .option('--team <team>', 'one team (default all)')
    .option('--since <duration>', 'how far back: 24h, 7d, …', '24h')
    .option('--limits', 'what limits have spent and reserved now instead')
    .option('--json', 'as JSON')
    .action(async ({ team, since, limits, json }: { team?: string; since: string; limits?: true; json?: true }) => {
      if (limits) {
        const held = await (await adminClient()).json<{ budgets: Budget[] }>('/api/budgets', { query: { team } });
        return json ? printJson(held) : print(limitsText(held.budgets));
      }
      const answer = await (await adminClient()).json<Record<string, unknown>>('/api/usage', {
        query: { team, since },
      });
      if (json) return printJson(answer);
      print(usageText(answer));
    });

/** Single figures as a list, lists of rows as tables. */
function usageText(answer: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  const figures = Object.entries(answer).filter(([, value]) => typeof value !== 'object' || value === null);
  if (figures.length > 0) {
    const width = Math.max(...figures.map(([name]) => name.length));
    parts.push(figures.map(([name, value]) => `${name.padEnd(width)}  ${value ?? '-'}`).join('\n'));
  }
  for (const [name, value] of Object.entries(answer)) {
    if (Array.isArray(value))
      parts.push(`${name}\n${value.length > 0 ? table(value as Record<string, unknown>[]) : '(none)'}`);
    else if (typeof value === 'object' && value !== null)
      parts.push(`${name}\n${table([value as Record<string, unknown>])}`);
  }
  return parts.join('\n\n');
}
