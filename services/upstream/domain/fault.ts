import type { TollgateError } from '@tollgate/errors';
import type { ProviderError } from './provider-error.ts';

/** Where the time of an attempt went when it ran out. */
export type Stage = 'connecting' | 'answer' | 'content' | 'stream';

/** What went wrong in one attempt. */
export type Fault =
  /** The provider said so, as HTTP status or inside its stream. */
  | { kind: 'status'; status: number; error: ProviderError; retryAfterMs: number; refusal: Refusal | undefined }
  /** No connection: refused, unknown host, TLS, or it took too long. Nothing was sent. */
  | { kind: 'unreachable'; reason: string }
  /** The connection broke, or the answer ended in the middle. */
  | { kind: 'cut'; reason: string }
  | { kind: 'timeout'; stage: Stage }
  /** Not what the surface answers: another content type, no JSON, a stream that is none. */
  | { kind: 'garbage'; reason: string }
  /** Ours to mend: no credential, no price. */
  | { kind: 'misconfigured'; reason: string }
  /** This target cannot be asked for it at all; nothing was sent. */
  | { kind: 'unserved'; error: TollgateError };

/** A provider's error answer as it may pass to the caller. */
export interface Refusal {
  contentType: string;
  body: Uint8Array;
}

/** For the ledger's attempts: the provider's own code or type where it gave one. */
export function faultCode(fault: Fault): string {
  return fault.kind === 'status' ? fault.error.code || fault.error.type || `http_${fault.status}` : fault.kind;
}

export function faultStatus(fault: Fault): number {
  return fault.kind === 'status' ? fault.status : 0;
}
