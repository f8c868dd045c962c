import type { Kind, Mode } from '../domain/span.ts';

/** What a scanning thread is started with. */
export interface ScanSetup {
  regions: readonly string[];
}

/** Main thread → thread; the request's memory goes along. */
export interface ScanOrder {
  /** An encoded GuardRequest with a PiiCall. */
  request: Uint8Array<ArrayBuffer>;
  kinds: readonly Kind[];
  mode: Mode;
}

/** Thread → main thread. */
export interface ScanReport {
  /** The encoded GuardReply. */
  reply: Uint8Array<ArrayBuffer>;
  /** Occurrences by entity. */
  entities: Record<string, number>;
}
