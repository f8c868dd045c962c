import type { Backlog, DeliveryVerdict, EventDeliveries, EventDeliveriesOptions } from '@tollgate/bus';
import { type ConfigSnapshot, readCredential, type Webhook, webhookUrlProblem } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';
import type { Counter, Gauge, Logger, Metrics } from '@tollgate/telemetry';
import type { Sending, SendingAnswer } from '../adapters/webhook-sender.ts';
import { bodyOf } from '../domain/webhook-body.ts';
import { isTold } from '../domain/webhook-match.ts';
import { pauseMs } from '../domain/webhook-retry.ts';
import { signedHeaders, signingKey } from '../domain/webhook-signature.ts';

export interface WebhooksOptions {
  bus: {
    deliverEvents(options: EventDeliveriesOptions): Promise<EventDeliveries>;
    forgetDeliveries(kept: ReadonlySet<string>): Promise<string[]>;
    config: { current(): ConfigSnapshot | undefined; stale(): boolean };
  };
  send(sending: Sending): Promise<SendingAnswer>;
  logger: Logger;
  metrics: Metrics;
  now(): number;
  /** Between 0 and 1. */
  random(): number;
}

/** How a receiver is doing, as this replica saw it; the queue is everybody's. */
export interface WebhookStatus {
  name: string;
  scope: Webhook['scope'];
  scopeId: string;
  format: Webhook['format'];
  undelivered: number;
  oldestUndeliveredAtMs?: number;
  deliveredAtMs?: number;
  /** Since the last delivery. */
  failures: number;
  failedAtMs?: number;
  /** Why the last attempt failed; absent when it did not. */
  error?: string;
}

interface Receiver {
  webhook: Webhook;
  organizationId: string;
  deliveries: EventDeliveries;
  backlog: Backlog;
  deliveredAtMs?: number;
  failures: number;
  failedAtMs?: number;
  error?: string;
}

export const followEveryMs = 2000;
const atOnceMax = 4;

/** Tells receivers of webhooks what limits have to tell: each has a queue and pauses of its own. */
export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #deliveries: Counter<'webhook' | 'outcome'>;
  readonly #undelivered: Gauge<'webhook'>;
  readonly #oldest: Gauge<'webhook'>;
  /** Of the last revision whose queues were looked through. */
  #followed: number | undefined;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#deliveries = metrics.counter(
      'tollgate_webhook_deliveries_total',
      'Attempts to tell a receiver: delivered, failed and to be tried again, given up',
      ['webhook', 'outcome'],
    );
    this.#undelivered = metrics.gauge('tollgate_webhook_undelivered', 'Events that a receiver was not told of yet', [
      'webhook',
    ]);
    this.#oldest = metrics.gauge(
      'tollgate_webhook_oldest_undelivered_seconds',
      'Age of the oldest of them; 0 without one',
      ['webhook'],
    );
  }

  /** Follows the configuration and looks at the queues; called again and again. Throws when JetStream is away. */
  async work(): Promise<void> {
    const { bus } = this.#options;
    const snapshot = bus.config.current();
    if (!snapshot || bus.config.stale()) return;
    await this.#follow(snapshot);
    for (const [name, receiver] of this.#receivers) {
      receiver.backlog = await receiver.deliveries.backlog();
      this.#undelivered.set({ webhook: name }, receiver.backlog.undelivered);
      const { oldestAtMs } = receiver.backlog;
      const ageMs = oldestAtMs === undefined ? 0 : Math.max(0, this.#options.now() - oldestAtMs);
      this.#oldest.set({ webhook: name }, ageMs / 1000);
    }
  }

  status(): WebhookStatus[] {
    return [...this.#receivers.values()].map(({ webhook, backlog, failures, deliveredAtMs, failedAtMs, error }) => {
      const { name, scope, scopeId, format } = webhook;
      const { undelivered, oldestAtMs } = backlog;
      return {
        ...{ name, scope, scopeId, format, undelivered, failures },
        ...(oldestAtMs !== undefined && { oldestUndeliveredAtMs: oldestAtMs }),
        ...(deliveredAtMs !== undefined && { deliveredAtMs }),
        ...(failedAtMs !== undefined && { failedAtMs }),
        ...(error !== undefined && { error }),
      };
    });
  }

  async stop(): Promise<void> {
    const receivers = [...this.#receivers.values()];
    this.#receivers.clear();
    await Promise.all(receivers.map(({ deliveries }) => deliveries.stop()));
  }

  async #follow({ revision, appliedAtMs, organization, webhooks = [] }: ConfigSnapshot): Promise<void> {
    const { bus, logger } = this.#options;
    const names = new Set(webhooks.map(({ name }) => name));
    for (const [name, receiver] of this.#receivers) {
      const same = receiver.organizationId === organization.id && !receiver.deliveries.ended();
      if (names.has(name) && same) continue;
      this.#receivers.delete(name);
      await receiver.deliveries.stop();
    }
    for (const webhook of webhooks) {
      const known = this.#receivers.get(webhook.name);
      if (known) known.webhook = webhook;
      else await this.#begin(webhook, organization.id, appliedAtMs);
    }
    if (this.#followed === revision) return;
    const forgotten = await bus.forgetDeliveries(names);
    for (const name of forgotten) {
      this.#undelivered.remove({ webhook: name });
      this.#oldest.remove({ webhook: name });
    }
    if (forgotten.length > 0) logger.info({ webhooks: forgotten }, 'webhooks that are not configured any more');
    this.#followed = revision;
  }

  async #begin(webhook: Webhook, organizationId: string, sinceMs: number): Promise<void> {
    const { name } = webhook;
    const deliveries = await this.#options.bus.deliverEvents({
      ...{ name, organizationId, sinceMs, atOnceMax },
      deliver: async (event, attempt, signal) => {
        const receiver = this.#receivers.get(name);
        // It came before we knew of the queue, or the queue is being left: in a moment, by whoever has it then.
        return receiver ? this.#deliver(receiver, event, attempt, signal) : { retryAfterMs: followEveryMs };
      },
    });
    this.#receivers.set(name, { webhook, organizationId, deliveries, backlog: { undelivered: 0 }, failures: 0 });
  }

  async #deliver(
    receiver: Receiver,
    event: LimitEvent,
    attempt: number,
    signal: AbortSignal,
  ): Promise<DeliveryVerdict> {
    const { now, random } = this.#options;
    const { webhook } = receiver;
    if (!isTold(webhook, event)) return 'done';
    const { error, answer } = await this.#attempt(webhook, event, signal);
    if (error !== undefined) signal.throwIfAborted();
    else {
      receiver.deliveredAtMs = now();
      receiver.failures = 0;
      delete receiver.error;
      this.#deliveries.inc({ webhook: webhook.name, outcome: 'delivered' });
      return 'done';
    }
    receiver.failures += 1;
    receiver.failedAtMs = now();
    receiver.error = error;
    const gone = answer?.status === 410;
    const retryAfterMs = answer?.retryAfterMs;
    const pause = pauseMs({ attempt, eventAtMs: event.atMs, nowMs: now(), retryAfterMs, gone }, random);
    return this.#failed(webhook, event, { attempt, error, pause });
  }

  #failed(
    webhook: Webhook,
    event: LimitEvent,
    { attempt, error, pause }: { attempt: number; error: string; pause: number | undefined },
  ): DeliveryVerdict {
    const { logger } = this.#options;
    const about = { webhook: webhook.name, id: event.id, attempt, reason: error };
    if (pause === undefined) {
      this.#deliveries.inc({ webhook: webhook.name, outcome: 'given_up' });
      logger.error(about, 'a webhook was not told and is given up; the event stands in limit_events');
      return 'done';
    }
    this.#deliveries.inc({ webhook: webhook.name, outcome: 'failed' });
    logger.warn({ ...about, pauseMs: pause }, 'a webhook was not told; trying again');
    return { retryAfterMs: pause };
  }

  async #attempt(
    webhook: Webhook,
    event: LimitEvent,
    signal: AbortSignal,
  ): Promise<{ error?: string; answer?: SendingAnswer }> {
    try {
      const url = typeof webhook.url === 'string' ? webhook.url : await readCredential(webhook.url);
      const problem = webhookUrlProblem(url, webhook.insecure);
      if (problem !== undefined) return { error: `the URL ${problem}` };
      const key = webhook.secret && signingKey(await readCredential(webhook.secret));
      const body = bodyOf(webhook.format, event);
      const headers = signedHeaders({ id: event.id, body, atMs: this.#options.now() }, key);
      const answer = await this.#options.send({ url, body, headers, signal });
      if (answer.status >= 200 && answer.status < 300) return { answer };
      return { error: `HTTP ${answer.status}`, answer };
    } catch (error) {
      const { internal, message } = error as { internal?: string; message: string };
      return { error: internal ?? message };
    }
  }
}
