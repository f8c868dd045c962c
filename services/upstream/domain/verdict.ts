import type { Fault } from './fault.ts';

/** What a failed attempt means to the caller. */
export type Blame = 'caller' | 'rate_limited' | 'misconfigured' | 'timeout' | 'provider';

/** What it means to the target: suspend at once, suspect (two requests within 10 s suspend), fine, or nothing. */
export type Outcome = 'suspend' | 'suspect' | 'ok' | 'none';

export interface Verdict {
  /** pass = the caller gets the provider's error as it is; next = another target may answer; end = too late for both. */
  action: 'pass' | 'next' | 'end';
  blame: Blame;
  report: Outcome;
}

interface Row {
  blame: Blame;
  report: Outcome;
}

const callers: Row = { blame: 'caller', report: 'ok' };
const limited: Row = { blame: 'rate_limited', report: 'suspend' };
const ours: Row = { blame: 'misconfigured', report: 'none' };
const away: Row = { blame: 'provider', report: 'suspend' };
const broken: Row = { blame: 'provider', report: 'suspect' };
/** Nobody is to blame: another target may serve it, and nothing is said of this one. */
const elsewhere: Row = { blame: 'caller', report: 'none' };
const slow: Row = { blame: 'timeout', report: 'suspect' };

/**
 * Statuses that stand for themselves; every other 4xx is the caller's, every other 5xx a broken provider (behaviour.md:
 * Calling a model, Model rotation). 408 and 409 come from overloaded backends, 402 and 407 from accounts and proxies.
 */
const byStatus: Readonly<Record<number, Row>> = {
  401: ours,
  402: ours,
  403: ours,
  404: ours,
  405: ours,
  407: ours,
  408: broken,
  409: broken,
  425: broken,
  429: limited,
  503: away,
  529: away,
};

/** The one table that says what follows from a fault; `contentSent`: the caller has the first content already. */
export function judge(fault: Fault, contentSent: boolean): Verdict {
  const row = rowOf(fault);
  if (fault.kind === 'unserved') return { ...row, action: 'next' };
  if (contentSent) return { ...row, action: 'end' };
  return { ...row, action: row.blame === 'caller' ? 'pass' : 'next' };
}

/**
 * The same for a response that is asked for by its id: what the provider does not keep any more is the caller's to know, and
 * nothing is said of a model that had no part in it.
 */
export function judgeStored(fault: Fault): Verdict {
  if (fault.kind === 'status' && fault.status === 404) return { action: 'pass', blame: 'caller', report: 'none' };
  return { ...judge(fault, false), report: 'none' };
}

/**
 * The same where tokens are counted: Anthropic's limits of that are apart from those of its models ("Token counting", Pricing and rate
 * limits), so nothing is said of the model.
 */
export function judgeCount(fault: Fault): Verdict {
  return { ...judge(fault, false), report: 'none' };
}

function rowOf(fault: Fault): Row {
  switch (fault.kind) {
    case 'status':
      return rowOfStatus(fault.status, fault.error.param);
    case 'unreachable':
      return away;
    case 'misconfigured':
      return ours;
    case 'unserved':
      return elsewhere;
    case 'timeout':
      return slow;
    case 'cut':
    case 'garbage':
      return broken;
  }
}

function rowOfStatus(status: number, param: string): Row {
  // A 404 about something in the body (a file, a previous response) is the caller's; about the model or path it is ours.
  if (status === 404 && param !== '' && param !== 'model') return callers;
  const row = byStatus[status];
  if (row) return row;
  return status >= 400 && status < 500 ? callers : broken;
}
