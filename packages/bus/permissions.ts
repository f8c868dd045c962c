import {
  backgroundQueueStream,
  backgroundStream,
  configBucket,
  eventStream,
  subjects,
  usageStream,
} from './subjects.ts';

export interface Permissions {
  publish: string[];
  subscribe: string[];
}

const readConfig = [
  `$JS.API.STREAM.INFO.KV_${configBucket}`,
  `$JS.API.STREAM.MSG.GET.KV_${configBucket}`,
  `$JS.API.DIRECT.GET.KV_${configBucket}.>`,
  `$JS.API.DIRECT.GET.KV_${configBucket}`,
  `$JS.API.CONSUMER.CREATE.KV_${configBucket}.>`,
  `$JS.API.CONSUMER.CREATE.KV_${configBucket}`,
  `$JS.API.CONSUMER.INFO.KV_${configBucket}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.KV_${configBucket}.>`,
  `$JS.API.CONSUMER.DELETE.KV_${configBucket}.>`,
  `$JS.API.INFO`,
  '$JS.FC.>',
];

const readUsage = [
  `$JS.API.STREAM.INFO.${usageStream}`,
  `$JS.API.STREAM.MSG.GET.${usageStream}`,
  `$JS.API.DIRECT.GET.${usageStream}`,
  `$JS.API.CONSUMER.*.${usageStream}.>`,
  `$JS.API.CONSUMER.*.${usageStream}`,
  `$JS.API.CONSUMER.MSG.NEXT.${usageStream}.>`,
  `$JS.ACK.${usageStream}.>`,
];

const readEvents = [
  `$JS.API.STREAM.INFO.${eventStream}`,
  `$JS.API.CONSUMER.*.${eventStream}.>`,
  `$JS.API.CONSUMER.*.${eventStream}`,
  `$JS.API.CONSUMER.MSG.NEXT.${eventStream}.>`,
  `$JS.ACK.${eventStream}.>`,
];

/** Of what is kept in the background upstream alone reads and deletes. */
const runBackground = [
  `$JS.API.STREAM.INFO.${backgroundQueueStream}`,
  `$JS.API.DIRECT.GET.${backgroundQueueStream}`,
  `$JS.API.DIRECT.GET.${backgroundQueueStream}.>`,
  `$JS.API.CONSUMER.*.${backgroundQueueStream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${backgroundQueueStream}.>`,
  `$JS.ACK.${backgroundQueueStream}.>`,
  `$JS.API.STREAM.INFO.${backgroundStream}`,
  `$JS.API.STREAM.MSG.GET.${backgroundStream}`,
  `$JS.API.STREAM.PURGE.${backgroundStream}`,
  `$JS.API.CONSUMER.*.${backgroundStream}.>`,
  `$JS.API.CONSUMER.*.${backgroundStream}`,
  `$JS.API.CONSUMER.MSG.NEXT.${backgroundStream}.>`,
  subjects.backgroundQueue,
  subjects.backgroundRecord('*', '>'),
];

const anyInbox = 'tg.v1.in.>';
const writeUsage = 'tg.v1.usage.>';
/** JetStream's replies go to inboxes that only the asking service may listen to. */
export const replyPrefix = (service: string) => `_INBOX.${service}`;

const own: Record<string, Permissions> = {
  ingress: { publish: [subjects.request, subjects.leaseCut, anyInbox], subscribe: [] },
  pipeline: {
    publish: [
      subjects.dispatch('*'),
      subjects.reclaim,
      subjects.release,
      subjects.leaseRenew,
      subjects.idempotencyEnd,
      subjects.idempotencyOwner,
      subjects.guardHello,
      subjects.backgroundRoom,
      subjects.backgroundFind,
      anyInbox,
      writeUsage,
    ],
    subscribe: [subjects.request, subjects.guardBeat, subjects.leaseAsk, subjects.idempotencyOwner],
  },
  'guard-auth': {
    publish: [
      subjects.guardBeat,
      subjects.leaseAsk,
      subjects.ledgerSums,
      subjects.limitEvent('*', '*'),
      anyInbox,
      writeUsage,
      ...readUsage,
    ],
    subscribe: [
      subjects.idempotencyEnd,
      subjects.guardHello,
      subjects.guardBeat,
      subjects.leaseRenew,
      subjects.leaseExtend,
      subjects.release,
      subjects.leaseCut,
      subjects.budgetCounters,
    ],
  },
  'guard-pii': { publish: [subjects.guardBeat], subscribe: [subjects.guardHello] },
  'guard-cache': { publish: [subjects.guardBeat], subscribe: [subjects.guardHello, subjects.cacheFill] },
  'guard-router': { publish: [subjects.guardBeat], subscribe: [subjects.guardHello, subjects.routeReport] },
  upstream: {
    publish: [
      subjects.dispatch('*'),
      subjects.cacheFill,
      subjects.routeReport,
      subjects.leaseRenew,
      subjects.leaseExtend,
      subjects.idempotencyEnd,
      subjects.backgroundAsk,
      anyInbox,
      writeUsage,
      ...runBackground,
    ],
    subscribe: [
      subjects.dispatch('*'),
      subjects.reclaim,
      subjects.leaseAsk,
      subjects.backgroundRoom,
      subjects.backgroundFind,
      subjects.backgroundAsk,
      subjects.idempotencyOwner,
    ],
  },
  analytics: {
    publish: [anyInbox, subjects.budgetCounters, ...readUsage, ...readEvents],
    subscribe: [subjects.ledgerSums, subjects.ledgerReconcile],
  },
  console: {
    publish: [
      '$JS.API.>',
      `$JS.ACK.${eventStream}.>`,
      `$KV.${configBucket}.>`,
      subjects.guardHello,
      subjects.ledgerReconcile,
      subjects.budgetCounters,
    ],
    subscribe: [subjects.guardBeat],
  },
  launcher: { publish: ['>'], subscribe: ['>'] },
};

/**
 * What a service's NATS user may publish and subscribe to: its own subjects, its inboxes and the configuration, nothing
 * else. Only the console may write configuration or change streams.
 *
 * @throws RangeError for a name that is no service.
 */
export function permissionsFor(service: string): Permissions {
  const permissions = own[service];
  if (!permissions) throw new RangeError(`no NATS permissions are known for service "${service}"`);
  return {
    publish: [...permissions.publish, ...readConfig],
    subscribe: [
      ...permissions.subscribe,
      subjects.inbox(service, '*'),
      `${subjects.inbox(service, '*')}.>`,
      `${replyPrefix(service)}.>`,
    ],
  };
}
