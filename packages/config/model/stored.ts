import { deepFreeze } from './freeze.ts';
import { type KeyRecord, keyRecordSchema } from './key-record.ts';
import { type ConfigSnapshot, snapshotSchema } from './snapshot.ts';

/**
 * A snapshot as the bucket holds it, frozen.
 * @throws ZodError or SyntaxError when this build does not understand it: the replica must then not be ready
 */
export function parseSnapshot(json: string): ConfigSnapshot {
  return deepFreeze(snapshotSchema.parse(JSON.parse(json)));
}

/** @throws ZodError or SyntaxError */
export function parseKeyRecord(json: string): KeyRecord {
  return deepFreeze(keyRecordSchema.parse(JSON.parse(json)));
}
