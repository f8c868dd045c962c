import { randomUUID } from 'node:crypto';
import { encode, UsageBatch, type UsageEvent } from '@tollgate/contracts';
import { payloadBytesMax, subjects } from './subjects.ts';
import type { Turn } from './turn.ts';

export interface UsagePublisherOptions {
  replica: string;
  /** PubAcks arrive on `<inbox>.u.<batch number>`. */
  inbox: string;
  turn: Turn;
  /** False while the bus is away. `messageId` becomes Nats-Msg-Id. */
  publish(subject: string, bytes: Uint8Array, options: { reply: string; messageId: string }): boolean;
  now(): number;
  onRefused(reason: string): void;
}

interface Batch {
  id: string;
  subject: string;
  bytes: Uint8Array;
  events: number;
  firstSentAtMs: number;
  sentAtMs: number;
}

/** A batch is published again when JetStream has not acknowledged it after this long. */
const resendAfterMs = 1000;
/** At these bounds the replica takes nothing new until JetStream acknowledges again (contracts.md, Usage). */
const pendingBatchesMax = 10_000;
const pendingBytesMax = 32 * 1024 * 1024;
const pendingAgeMsMax = 5000;

/**
 * Publishes usage: events of one turn and organization in one batch, written before the frames of the same turn, and
 * again until JetStream acknowledges it. Never drops: at its bounds `full()` says that no new work may be taken.
 */
export class UsagePublisher {
  readonly #options: UsagePublisherOptions;
  readonly #collected = new Map<string, { encoded: UsageEvent[]; bytes: number }>();
  readonly #pending = new Map<string, Batch>();
  #pendingBytes = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #refusing = false;

  constructor(options: UsagePublisherOptions) {
    this.#options = options;
    options.turn.step(() => this.#flush());
  }

  publish(event: UsageEvent): void {
    const organizationId = event.receipt?.organizationId;
    if (!organizationId) throw new TypeError('a usage event without a receipt cannot be accounted for');
    let collected = this.#collected.get(organizationId);
    if (!collected) {
      collected = { encoded: [], bytes: 0 };
      this.#collected.set(organizationId, collected);
      this.#options.turn.request();
    }
    collected.encoded.push(event);
    collected.bytes += eventBytes(event);
    if (collected.bytes > payloadBytesMax / 2) this.#flush();
  }

  /** True: usage is not being acknowledged. Leave the queue groups, refuse admission. */
  full(): boolean {
    if (this.#pending.size >= pendingBatchesMax || this.#pendingBytes >= pendingBytesMax) return true;
    const oldest = this.#pending.values().next().value;
    return oldest !== undefined && (this.#refusing || this.#options.now() - oldest.firstSentAtMs > pendingAgeMsMax);
  }

  get pending(): number {
    return this.#pending.size;
  }

  acknowledged(batch: string, reply: { seq?: number; error?: { description?: string } }): void {
    if (reply.error) {
      // The stream is full or away: kept, and tried again by the timer.
      this.#refusing = true;
      this.#options.onRefused(reply.error.description ?? 'unknown');
      return;
    }
    const acknowledged = this.#pending.get(batch);
    if (!acknowledged) return;
    this.#refusing = false;
    this.#pending.delete(batch);
    this.#pendingBytes -= acknowledged.bytes.length;
    if (this.#pending.size > 0) return;
    this.#stopTimer();
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Publishes all that is pending again; after a reconnect. */
  resendAll(): void {
    for (const [batch, pending] of this.#pending) this.#publish(batch, pending);
  }

  /** Resolves when all usage is acknowledged, or after `timeoutMs`: then false, and it is up to the leases. */
  async flush(timeoutMs: number): Promise<boolean> {
    this.#flush();
    if (this.#pending.size === 0) return true;
    this.#idle ??= Promise.withResolvers<void>();
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), timeoutMs);
    const done = await Promise.race([this.#idle.promise.then(() => true), late.promise]);
    clearTimeout(timer);
    return done;
  }

  close(): void {
    this.#stopTimer();
  }

  #flush(): void {
    if (this.#collected.size === 0) return;
    for (const [organizationId, { encoded }] of this.#collected) {
      const id = randomUUID();
      const bytes = encode(UsageBatch, { batchId: id, replica: this.#options.replica, events: encoded });
      const now = this.#options.now();
      const batch = {
        id,
        subject: subjects.usage(organizationId),
        bytes,
        events: encoded.length,
        firstSentAtMs: now,
        sentAtMs: now,
      };
      const number = (this.#next++).toString(36);
      this.#pending.set(number, batch);
      this.#pendingBytes += bytes.length;
      this.#publish(number, batch);
    }
    this.#collected.clear();
    this.#timer ??= setInterval(() => this.#resendLate(), resendAfterMs).unref();
  }

  #publish(number: string, batch: Batch): void {
    batch.sentAtMs = this.#options.now();
    this.#options.publish(batch.subject, batch.bytes, {
      reply: `${this.#options.inbox}.u.${number}`,
      messageId: batch.id,
    });
  }

  #resendLate(): void {
    const before = this.#options.now() - resendAfterMs;
    for (const [number, batch] of this.#pending) {
      if (batch.sentAtMs <= before) this.#publish(number, batch);
    }
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** An upper bound that needs no second encoding: fixed fields, plus what callers can make long. */
function eventBytes(event: UsageEvent): number {
  let bytes = 1024 + event.attempts.length * 256;
  for (const { models } of event.receipt?.reservations ?? []) bytes += 320 + models.length * 144;
  for (const [key, value] of Object.entries(event.metadata)) bytes += 3 * (key.length + value.length) + 8;
  return bytes;
}
