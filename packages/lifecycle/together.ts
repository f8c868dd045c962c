import { type Environment, readEnvironment, replicaEnv } from '@tollgate/config';
import { memberLogger } from '@tollgate/telemetry';
import type { ProcessScope, Started } from './run.ts';
import type { Scope } from './scope.ts';

/** A service that runs in the process of others. */
export interface Member {
  name: string;
  /** With TOLLGATE_SERVICE. */
  environment: Environment;
  main: (scope: Scope) => Promise<{ address?: string }>;
}

/**
 * Several services in one process, given in the order in which requests flow through them: they start from the last, so
 * that nobody takes work for one that is not there, and drain from the first. Their checks are all of the process's
 * readiness; whatever ends one of them ends all.
 */
export function together(members: readonly Member[]): (scope: ProcessScope) => Promise<Started> {
  return async (scope) => {
    const started: NonNullable<Started['members']> = [];
    for (const [stage, member] of [...members.entries()].reverse()) {
      const own = scopeOf(scope, member, stage);
      const { address } = await member.main(own);
      own.logger.info({ address }, 'started');
      started.unshift({ name: member.name, replica: own.replica, address });
    }
    return { address: started.find(({ address }) => address !== undefined)?.address, members: started };
  };
}

function scopeOf(scope: ProcessScope, { name, environment }: Member, stage: number): Scope {
  const { replica } = readEnvironment(replicaEnv, environment).replica;
  return {
    name,
    replica,
    environment,
    logger: memberLogger(scope.logger, { service: name, replica }),
    metrics: scope.metrics.member(name),
    health: { check: (part, check) => scope.health.check(`${name} ${part}`, check) },
    stopping: scope.stopping,
    defer: (part, close) => scope.defer(`${name}: ${part}`, close),
    drain: (part, drain) => scope.drain(`${name}: ${part}`, drain, stage),
    shared: (type) => scope.shared(type),
    fail: (error) => scope.fail(error),
  };
}
