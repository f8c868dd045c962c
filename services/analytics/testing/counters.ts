import { type Bus, subjects, type UsageConsumer, usageConsumers } from '@tollgate/bus';
import { BudgetCountersReply, type Reservation, type UsageEvent } from '@tollgate/contracts';
import { usageEvent } from './events.ts';

/** What guard-auth tells the reconciler of one counter, settled from USAGE as it does: by the difference to what a request was charged before. */
export interface Counters {
  /** Added to what is told. */
  wrongBy: number;
  /** What the counter has reserved that no lease holds. */
  leaked: number;
  floorSeq: number;
  error: string;
  stop(): Promise<void>;
}

export async function settleAndTell(bus: Bus): Promise<Counters> {
  const [reservation] = usageEvent('any').receipt?.reservations ?? [];
  if (!reservation) throw new Error('the events of these tests reserve on one counter');
  const { amount: _, ...name } = reservation;
  const isTold = ({ quantity }: Reservation) => quantity === name.quantity;
  const charged = new Map<string, { version: number; tokens: number }>();
  let spent = 0;
  const settle = ({ receipt, version, billed }: UsageEvent) => {
    const id = receipt?.requestId ?? '';
    const before = charged.get(id) ?? { version: 0, tokens: 0 };
    if (version <= before.version || !receipt?.reservations.some(isTold)) return;
    const tokens = (billed?.prompt ?? 0) + (billed?.completion ?? 0);
    charged.set(id, { version, tokens });
    spent += tokens - before.tokens;
  };
  const consumer: UsageConsumer = await bus.consumeUsage({
    durable: usageConsumers.settle,
    batchMax: 100,
    async onBatch(messages) {
      for (const { batch } of messages) for (const event of batch.events) settle(event);
    },
  });
  const counters: Counters = {
    ...{ wrongBy: 0, leaked: 0, floorSeq: 0, error: '' },
    async stop() {
      told.stop();
      await consumer.stop();
    },
  };
  const told = bus.subscribe(subjects.budgetCounters, (_bytes, reply) => {
    const { wrongBy, leaked, floorSeq, error } = counters;
    const counter = { ...name, spent: spent + wrongBy, reserved: leaked, leased: 0, keys: [], limits: [] };
    const answer = { organizationId: 'o-1', counters: [counter], total: 1, floorSeq, error };
    bus.reply(reply, BudgetCountersReply.encode(answer).finish());
  });
  return counters;
}
