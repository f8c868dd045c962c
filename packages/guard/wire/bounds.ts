/** No gRPC message is larger (docs: "Guards" in the contracts); a batch is closed before it would be. */
export const messageBytesMax = 256 * 1024;

/** An entry above this goes over the bulk stream, in parts. */
export const entryBytesMax = 192 * 1024;

/** A batch that has reached this size leaves, whatever else is waiting. Together with `entryBytesMax` below `messageBytesMax`. */
export const batchBytesTarget = 60 * 1024;

/** One part of a bulk entry. Small, so that copying it never holds up the event loop for longer than some microseconds. */
export const partBytes = 64 * 1024;

/** One bulk entry: twice the largest body that ingress takes by default, and room for what masking adds. */
export const bulkEntryBytesMax = 64 * 1024 * 1024;

/** So many bulk entries of a connection are under way at once, in turns; the others wait behind them. */
export const bulkEntriesUnderWayMax = 4;

/** All unfinished bulk entries of one connection, received: never reached by a sender that keeps the two bounds above. */
export const bulkConnectionBytesMax = bulkEntriesUnderWayMax * bulkEntryBytesMax;

/** An entry without a timeout of its own (0 on the wire). */
export const timeoutMsDefault = 5_000;
