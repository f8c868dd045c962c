import { type Bus, connectBus, Loopback, subjects } from '@tollgate/bus';
import { encode, LeaseRenewal } from '@tollgate/contracts';
import { type GuardPool, guardPool, NearGuards } from '@tollgate/guard';
import type { Scope } from '@tollgate/lifecycle';
import { Background } from './adapters/background.ts';
import { Dispatcher } from './adapters/dispatcher.ts';
import { Intake } from './adapters/intake.ts';
import { Joins } from './adapters/joins.ts';
import { ParsePool } from './adapters/parse-pool.ts';
import { readConfig } from './config.ts';
import { FirstGuards } from './domain/first-guards.ts';
import type { Tools } from './handlers/steps/tools.ts';
import { Taker } from './handlers/take.ts';

export async function start(scope: Scope): Promise<object> {
  const config = readConfig(scope.environment);
  const { logger, metrics } = scope;
  const bus = await connectBus({
    env: config.nats,
    service: 'pipeline',
    replica: scope.replica,
    logger,
    metrics,
    loopback: scope.shared(Loopback),
  });
  scope.defer('bus', () => bus.close());
  await bus.config.start();

  const pool = (kind: 'auth' | 'pii' | 'cache' | 'router'): GuardPool => {
    const guards = guardPool({ kind, bus, logger, metrics, near: scope.shared(NearGuards) });
    scope.defer(`guard-${kind}`, () => guards.close());
    return guards;
  };
  const parser = new ParsePool();
  scope.defer('parser', () => parser.close());
  const joins = new Joins(bus, (requestId) => taker.owns(requestId));
  const background = new Background(bus);
  const guards = { auth: pool('auth'), pii: pool('pii'), cache: pool('cache'), router: pool('router') };
  const tools: Tools = { ...guards, parser, joins, background };
  const dispatcher = new Dispatcher(bus);
  const taker = new Taker({ bus, tools, dispatcher, logger, runsMax: config.TOLLGATE_PIPELINE_RUNS_MAX });
  answerLeaseAsks(bus, taker, scope.replica);

  const first = new FirstGuards(guards);
  const unready = () => {
    if (!bus.connected()) return 'NATS is away';
    if (!bus.config.current()) return 'no configuration has been applied';
    if (bus.config.stale()) return 'the configuration here is behind';
    if (bus.usage.full()) return 'usage is not being acknowledged';
    if (!tools.auth.ready()) return 'no guard-auth is ready';
    const missing = first.missing();
    return missing && `no guard-${missing} is ready`;
  };
  const intake = new Intake(bus, logger, taker.take, unready);
  intake.start();
  scope.drain('intake', async () => {
    joins.stopping = true;
    await intake.stop();
    await taker.drained();
  });
  scope.health.check('intake', () => intake.open || unready() || 'starting');
  return {};
}

/** Budgets were lost and are being rebuilt: what is in hand here is renewed at once. */
function answerLeaseAsks(bus: Bus, taker: Taker, replica: string): void {
  bus.subscribe(subjects.leaseAsk, () => {
    const receipts = taker.receipts();
    if (receipts.length > 0) bus.publish(subjects.leaseRenew, encode(LeaseRenewal, { replica, receipts }));
  });
}
