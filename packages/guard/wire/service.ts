import { GuardService } from '@tollgate/contracts';

const asIs = (bytes: Buffer): Buffer => bytes;

const rawStream = {
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/**
 * tollgate.v1.Guard as the proto file has it, but with bytes instead of messages on the two streams: whole batches are
 * written into one reused buffer, and parts of a large entry are not copied twice.
 */
export const rawGuardService = {
  exchange: { ...rawStream, path: GuardService.exchange.path },
  exchangeBulk: { ...rawStream, path: GuardService.exchangeBulk.path },
  check: GuardService.check,
} as const;

/** Metadata of both streams: the same value says that they are the two streams of one connection. */
export const connectionHeader = 'tollgate-connection';
