/** Plain numbers, added to once a request or batch; they reach the metrics at each scrape. */
export class ServerCounters {
  requests = 0;
  bulkRequests = 0;
  batchesReceived = 0;
  batchesSent = 0;
  /** Answers that came after their deadline and were dropped. */
  expired = 0;
  /** Refused because too many were running. */
  refused = 0;
  /** Handlers that threw. */
  failed = 0;
  /** Connections ended because the peer broke the protocol. */
  broken = 0;
}

export const serverCounterNames: Record<keyof ServerCounters, [string, string]> = {
  requests: ['tollgate_guard_requests_total', 'Requests received'],
  bulkRequests: ['tollgate_guard_bulk_requests_total', 'Requests received in parts'],
  batchesReceived: ['tollgate_guard_batches_received_total', 'Messages in which requests came'],
  batchesSent: ['tollgate_guard_batches_sent_total', 'Messages in which answers were sent'],
  expired: ['tollgate_guard_expired_total', 'Answers dropped because they came after their deadline'],
  refused: ['tollgate_guard_refused_total', 'Requests refused because too many were running'],
  failed: ['tollgate_guard_failed_total', 'Requests whose handler failed'],
  broken: ['tollgate_guard_broken_callers_total', 'Connections ended because the caller broke the protocol'],
};
