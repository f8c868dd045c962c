import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { NatsEnv } from '@tollgate/config';
import type { Logger } from '@tollgate/telemetry';
import { replyPrefix } from './permissions.ts';

export interface ConnectOptions {
  env: NatsEnv;
  /** The service's name: its NATS user, and the prefix of its inboxes. */
  service: string;
  replica: string;
  logger: Logger;
}

const retryMs = 200;
/** A service that waits for NATS says so at once, and then this often. */
const tellEveryMs = 10_000;

/** Waits for NATS as long as it takes, and says what it waits for; the connection is kept for ever. */
export async function connectNats({ env, service, replica, logger }: ConnectOptions): Promise<NatsConnection> {
  for (let toldAtMs = Number.NEGATIVE_INFINITY; ; await delay(retryMs)) {
    try {
      return await connect({
        servers: env.url,
        user: env.user,
        pass: env.password,
        name: replica,
        inboxPrefix: replyPrefix(service),
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 50,
        // A half-open connection is noticed after two missed pings.
        pingInterval: 5000,
        maxPingOut: 2,
        // The service's close order decides, not the process's exit.
        ignoreAuthErrorAbort: true,
      });
    } catch (error) {
      if (performance.now() - toldAtMs < tellEveryMs) continue;
      toldAtMs = performance.now();
      logger.warn({ err: error }, 'NATS cannot be reached, or refuses this user; trying again');
    }
  }
}
