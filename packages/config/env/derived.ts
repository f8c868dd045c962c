import os from 'node:os';
import process from 'node:process';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that this process was started with. */
export const processEnvironment = (): Environment => process.env;

let declaredService: string | undefined;

/** What this process is called where TOLLGATE_SERVICE does not say it. */
export function declareService(name: string): void {
  declaredService = name;
}

/** Fills in what follows from other variables and from the machine. */
export function withDerivedDefaults(environment: Environment): Environment {
  const service = environment.TOLLGATE_SERVICE ?? declaredService ?? 'tollgate';
  const host = environment.TOLLGATE_HOST ?? '127.0.0.1';
  const announceHost = environment.TOLLGATE_ANNOUNCE_HOST ?? (isAnyAddress(host) ? os.hostname() : host);
  return {
    ...environment,
    TOLLGATE_SERVICE: service,
    TOLLGATE_HOST: host,
    TOLLGATE_ANNOUNCE_HOST: announceHost,
    TOLLGATE_REPLICA: environment.TOLLGATE_REPLICA ?? replicaName(service, announceHost),
  };
}

/** In containers every process has the same small id, so the machine's name must tell them apart. */
function replicaName(service: string, announceHost: string): string {
  if (isLoopback(announceHost)) return `${service}-${process.pid}`;
  const machine = os
    .hostname()
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 24);
  return `${service}-${machine}-${process.pid}`;
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** localhost, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
