/** Every subject of the bus, version 1 of the wire (docs/adr/0001-the-wire.md). */
export const subjects = {
  /** ingress → pipeline, queue group `pipeline`. */
  request: 'tg.v1.request',
  /** pipeline → upstream, queue group `upstream`. */
  dispatch: (provider: string) => `tg.v1.dispatch.${provider}`,
  /** pipeline → every upstream, before a second dispatch. */
  reclaim: 'tg.v1.reclaim',
  /** owner of a request with an idempotency key → guard-auth, queue group `guard-auth`: request and reply. */
  idempotencyEnd: 'tg.v1.idempotency.end',
  /** pipeline → every pipeline and upstream: whoever owns the request replies. */
  idempotencyOwner: 'tg.v1.idempotency.owner',
  /** Everything that is said to one replica. */
  inbox: (service: string, replica: string) => `tg.v1.in.${service}.${replica}`,
  /** Owner of a request → JetStream. */
  usage: (organizationId: string) => `tg.v1.usage.${organizationId}`,
  guardBeat: 'tg.v1.guard.beat',
  guardHello: 'tg.v1.guard.hello',
  cacheFill: 'tg.v1.cache.fill',
  routeReport: 'tg.v1.route.report',
  leaseRenew: 'tg.v1.lease.renew',
  leaseAsk: 'tg.v1.lease.ask',
  /** upstream → guard-auth, queue group `guard-auth`: request and reply. */
  leaseExtend: 'tg.v1.lease.extend',
  release: 'tg.v1.release',
  /** ingress → guard-auth, queue group `guard-auth`. */
  leaseCut: 'tg.v1.lease.cut',
  ledgerSums: 'tg.v1.ledger.sums',
  /** console → analytics, queue group `analytics`. */
  ledgerReconcile: 'tg.v1.ledger.reconcile',
  /** guard-auth → JetStream; each event has a subject of its own. */
  limitEvent: (organizationId: string, id: string) => `tg.v1.event.limit.${organizationId}.${id}`,
  /** analytics → guard-auth, queue group `guard-auth`. */
  budgetCounters: 'tg.v1.budget.counters',
  /** pipeline → upstream, queue group `upstream`: request and reply. */
  backgroundRoom: 'tg.v1.background.room',
  /** pipeline → upstream, queue group `upstream`: request and reply. */
  backgroundFind: 'tg.v1.background.find',
  /** upstream → every upstream: only the one that runs it replies. */
  backgroundAsk: 'tg.v1.background.ask',
  /** upstream → JetStream: what waits to be run, or runs. */
  backgroundQueue: 'tg.v1.background.queue',
  /** upstream → JetStream: everything that is kept of one response in the background. `part`: state, job, body.0, e.0, … */
  backgroundRecord: (requestId: string, part: string) => `tg.v1.background.r.${requestId}.${part}`,
} as const;

export const usageStream = 'USAGE';
/** Durable consumers of USAGE, each shared by the replicas of one service: analytics, guard-auth. */
export const usageConsumers = { ledger: 'ledger', settle: 'settle' } as const;
/** What limits have to tell: thresholds that were reached, limits that began to refuse. */
export const eventStream = 'EVENTS';
/** Durable consumer of EVENTS, shared by the replicas of analytics. */
export const eventConsumers = { ledger: 'limit-events' } as const;
/** Requests in the background that are not over yet; each goes to one upstream at a time. */
export const backgroundQueueStream = 'BACKGROUND_QUEUE';
/** Durable consumer of BACKGROUND_QUEUE, shared by the replicas of upstream. */
export const backgroundConsumer = 'upstream';
/** What was asked for in the background, its events and answers. */
export const backgroundStream = 'BACKGROUND';
export const configBucket = 'CONFIG';

/**
 * No message on the bus is larger: nats-server's default limit is 1 MiB, and one large message delays the small ones
 * behind it.
 */
export const messageBytesMax = 256 * 1024;

/** What of a message may be payload: the rest is room for the envelope around it. */
export const payloadBytesMax = messageBytesMax - 16 * 1024;
