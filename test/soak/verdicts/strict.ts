import { teamId } from '../installation/configuration.ts';
import type { Facts, Verdict } from './facts.ts';

/** A request is admitted so much later than it came at most: ingress and the guards' hop have a second each, and a second try. */
const admittedWithinMs = 4000;

/**
 * The strict team's limit is not passed at all, and its rate lets no more requests in than its burst and what flowed back: whenever the
 * budget Redis died it began with its whole burst again. Both were reached, or nothing is shown.
 */
export function strictHolds(facts: Pick<Facts, 'ledger' | 'disturbances' | 'strictPromptTokens' | 'rate'>): Verdict {
  const { ledger, strictPromptTokens: limit, rate } = facts;
  const all = ledger.rows.filter((row) => row.team_id === teamId('strict'));
  const admitted = all.filter((row) => row.reservations !== '');
  const refusedBy = (code: string) => all.filter((row) => row.status === 'refused' && row.code === code).length;
  const spent = admitted.reduce((sum, row) => sum + row.prompt_tokens, 0);
  const figures = {
    ...{ limit, spent, overspend: Math.max(0, spent - limit), admitted: admitted.length },
    ...{ refusedByBudget: refusedBy('budget_exceeded'), refusedByRate: refusedBy('rate_limit_exceeded') },
  };
  const findings = beyondRate(
    facts,
    admitted.map((row) => row.startedAtMs).sort((one, other) => one - other),
  );
  if (figures.overspend > 0) findings.push(`${spent} prompt tokens of ${limit}`);
  if (figures.refusedByBudget === 0) findings.push('the strict limit was not reached');
  if (figures.refusedByRate === 0) findings.push(`the rate of ${rate.perMinute} a minute was not reached`);
  return { name: 'no strict limit and no rate is passed', figures, findings };
}

/** The first span of time with more requests than fit into it, for each request that ends one. */
function beyondRate({ disturbances, rate }: Pick<Facts, 'disturbances' | 'rate'>, startedAtMs: number[]): string[] {
  const restarts = disturbances.filter(({ killed }) => killed.includes('redis'));
  return startedAtMs.flatMap((endMs, last) => {
    for (const [first, beginMs] of startedAtMs.slice(0, last).entries()) {
      const [fromMs, toMs] = [beginMs - admittedWithinMs, endMs + admittedWithinMs];
      const began = restarts.filter((one) => one.fromMs <= toMs && one.untilMs >= fromMs).length;
      const most = rate.burst * (1 + began) + ((endMs - beginMs + admittedWithinMs) * rate.perMinute) / 60_000;
      const came = last - first + 1;
      if (came > most) return [`${came} requests within ${endMs - beginMs} ms, where ${Math.floor(most)} fit`];
    }
    return [];
  });
}

/** What other verdicts on refusals do not know of: this team's are by limits that it shares with nobody. */
export function withoutStrict<T extends Pick<Facts, 'outcomes' | 'ledger'>>(facts: T): T {
  const outcomes = facts.outcomes.filter(({ plan }) => plan.team !== 'strict');
  const rows = facts.ledger.rows.filter((row) => row.team_id !== teamId('strict'));
  return { ...facts, outcomes, ledger: { ...facts.ledger, rows } };
}
