/** Plain numbers, added to once a call or batch; they reach the metrics at each scrape. */
export class ClientCounters {
  calls = 0;
  batches = 0;
  bulkEntries = 0;
  /** Sent again to another guard: its connection broke, it stalled, or it said that it cannot. */
  failovers = 0;
  /** No answer within the call's timeout. */
  timeouts = 0;
  /** No guard to ask. */
  unavailable = 0;
  /** Refused at the bound. */
  overloaded = 0;
  /** Answers that nobody waited for any more. */
  late = 0;
  /** Connections ended because the guard broke the protocol. */
  broken = 0;
}

export const clientCounterNames: Record<keyof ClientCounters, [string, string]> = {
  calls: ['tollgate_guard_calls_total', 'Calls made to a kind of guard'],
  batches: ['tollgate_guard_batches_total', 'Messages in which the calls were sent'],
  bulkEntries: ['tollgate_guard_bulk_calls_total', 'Calls too large for a batch, sent in parts'],
  failovers: ['tollgate_guard_failovers_total', 'Calls given to a second replica'],
  timeouts: ['tollgate_guard_timeouts_total', 'Calls without an answer in time'],
  unavailable: ['tollgate_guard_unavailable_total', 'Calls that found no replica to answer them'],
  overloaded: ['tollgate_guard_overloaded_total', 'Calls refused because too many were outstanding'],
  late: ['tollgate_guard_late_answers_total', 'Answers that nobody waited for any more'],
  broken: ['tollgate_guard_broken_connections_total', 'Connections ended because the guard broke the protocol'],
};
