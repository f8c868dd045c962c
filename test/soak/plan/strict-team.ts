import type { RequestPlan } from './request-plan.ts';

/** Of the ordinary questions, which are some six of ten. */
const everyNth = 9;
/** Of all requests, the strict team's. */
const part = 0.063;
/** Of a question, and above the most that one reserves: a token for each of its bytes. */
const promptTokens = 26;
const promptTokensMax = 700;

/** The plan, as the strict team's where it is that team's turn: whole answers that fit into one message. */
export function ofTeams(plan: RequestPlan): RequestPlan {
  const ordinary = (plan.kind === 'json' || plan.kind === 'stream') && plan.contextBytes === 0;
  return ordinary && plan.number % everyNth === 0 ? { ...plan, team: 'strict' } : plan;
}

/**
 * Limits that this team reaches: it asks twice as often as its rate lets pass, and has no room in its strict limit when half of the load
 * is sent.
 * @param load requests in all, and a second on average
 */
export function strictLimits({ requests, rate }: { requests: number; rate: number }) {
  return {
    strictPromptTokens: Math.max(promptTokensMax, Math.round(requests * part * promptTokens * 0.2)),
    rate: { perMinute: Math.round((60 * rate * part) / 2), burst: 2 },
  };
}
