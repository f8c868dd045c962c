import type { IssuedUsage, RecordedCall } from '@tollgate/testing/azure';
import { ticketIn } from '../plan/ticket.ts';

/** What the provider knows of one call. */
export interface IssuedCall {
  model: string;
  /** A whole good answer went out. */
  completed: boolean;
  /** 0: no headers went out. */
  status: number;
  fault: string;
  usage: IssuedUsage | undefined;
}

/** The provider's calls by the ticket in their prompt, each in the order in which they came. */
export function issuedByTicket(calls: readonly RecordedCall[]): Map<string, IssuedCall[]> {
  const byTicket = new Map<string, IssuedCall[]>();
  for (const { body, deployment = '', completed, status = 0, fault = '', usage } of calls) {
    const ticket = ticketIn(body);
    if (ticket === undefined) throw new Error(`the provider got a call without a ticket: ${body.slice(0, 200)}`);
    const known = byTicket.get(ticket);
    const call = { model: deployment, completed, status, fault, usage };
    if (known) known.push(call);
    else byTicket.set(ticket, [call]);
  }
  return byTicket;
}
