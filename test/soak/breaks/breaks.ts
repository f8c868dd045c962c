/** A fault that somebody could make in good faith, and the check of the soak that must turn red for it. */
export interface Break {
  name: string;
  /** From the repository's root. */
  file: string;
  /** Stands in the file once. */
  find: string;
  replace: string;
  /** As the report names it. */
  caughtBy: string;
  /** Instead of 13: fewer leave more callers undisturbed. */
  kills?: number;
}

export const breaks: readonly Break[] = [
  {
    name: 'settle-twice',
    file: 'services/guard-auth/adapters/scripts/settle.lua',
    find: "local mark = redis.call('HGET', settledKey, event.id) or redis.call('HGET', unmeasuredKey, event.id)",
    replace: 'local mark = false',
    caughtBy: 'Redis holds what the rows add up to',
  },
  {
    name: 'no-renewal',
    file: 'services/upstream/adapters/leases.ts',
    find: 'this.#renew(this.#receipts().filter(({ startedAtMs }) => startedAtMs <= before));',
    replace: 'this.#renew(this.#receipts().filter(() => before < 0));',
    caughtBy: 'no living request is written off',
  },
  {
    name: 'acknowledge-before-write',
    file: 'packages/bus/batch-consumer.ts',
    find: `    await options.onBatch(messages.map(options.decode));
    for (const message of messages) message.ack();`,
    replace: `    for (const message of messages) message.ack();
    await options.onBatch(messages.map(options.decode));`,
    caughtBy: 'each admitted request has one row',
  },
  {
    name: 'drop-on-full',
    file: 'packages/bus/usage-publisher.ts',
    find: '    let collected = this.#collected.get(organizationId);',
    replace: '    if (this.full()) return;\n    let collected = this.#collected.get(organizationId);',
    caughtBy: 'tokens and cost are what the provider issued',
  },
  {
    name: 'rollup-with-repeats',
    file: 'packages/ledger/queries/source.ts',
    find: 'FROM usage_hourly AS u FINAL',
    replace: 'FROM usage_hourly AS u',
    caughtBy: 'rollups and pages say what the rows say',
  },
  {
    name: 'keep-every-request',
    file: 'services/pipeline/handlers/run.ts',
    find: '    this.answer = answer;\n',
    // A listener that nobody takes away keeps its request; of the short soak's few, each as much as thousands would.
    replace:
      "    this.answer = answer;\n    const kept = Buffer.alloc(4 * 1024 * 1024, 1);\n    process.on('exit', () => kept);\n",
    caughtBy: 'no service keeps what it has served',
  },
  {
    name: 'turn-some-away',
    file: 'services/pipeline/handlers/take.ts',
    find: 'if (this.#taken >= runsMax || bus.usage.full()) {',
    replace: 'if (Math.random() < 0.15 || this.#taken >= runsMax || bus.usage.full()) {',
    kills: 2,
    caughtBy: 'callers whom nothing disturbed are served',
  },
];
