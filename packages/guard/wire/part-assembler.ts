import { GuardPart } from '@tollgate/contracts';
import { bulkConnectionBytesMax, bulkEntryBytesMax } from './bounds.ts';

type Assembly = { bytes: Uint8Array<ArrayBuffer>; received: number };

/** What a peer did that no correct peer does; ends the connection. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
}

/**
 * Puts the parts of large entries together again. Throws WireFault on parts out of order and beyond the bounds: a sender
 * of this build keeps them, so anything else is no entry to answer but a broken connection.
 */
export class PartAssembler {
  readonly #assemblies = new Map<number, Assembly>();
  #bytes = 0;

  /** Returns the whole entry with its last part, in memory of its own that may be transferred to a thread. */
  add(message: Uint8Array): { id: number; bytes: Uint8Array<ArrayBuffer> } | undefined {
    const { id, totalBytes, offset, data } = GuardPart.decode(message);
    if (totalBytes === 0) {
      this.#forget(id);
      return undefined;
    }
    const assembly = offset === 0 ? this.#begin(id, totalBytes) : this.#assemblies.get(id);
    if (assembly?.received !== offset || offset + data.length > assembly.bytes.length || data.length === 0) {
      throw new WireFault('part out of order');
    }
    assembly.bytes.set(data, offset);
    assembly.received += data.length;
    if (assembly.received < assembly.bytes.length) return undefined;
    this.#forget(id);
    return { id, bytes: assembly.bytes };
  }

  clear(): void {
    this.#assemblies.clear();
    this.#bytes = 0;
  }

  #begin(id: number, totalBytes: number): Assembly {
    if (this.#assemblies.has(id)) throw new WireFault('id of an unfinished entry used again');
    if (totalBytes > bulkEntryBytesMax) throw new WireFault(`entry above ${bulkEntryBytesMax} bytes`);
    if (this.#bytes + totalBytes > bulkConnectionBytesMax) throw new WireFault('too many unfinished large entries');
    const assembly = { bytes: new Uint8Array(totalBytes), received: 0 };
    this.#assemblies.set(id, assembly);
    this.#bytes += totalBytes;
    return assembly;
  }

  #forget(id: number): void {
    const assembly = this.#assemblies.get(id);
    if (assembly === undefined) return;
    this.#assemblies.delete(id);
    this.#bytes -= assembly.bytes.length;
  }
}
