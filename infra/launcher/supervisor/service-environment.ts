import type { EngineUser } from '@tollgate/engines';
import { type ServiceKind, sharesPorts } from '../services.ts';

/** Addresses and secrets that a start found or made; each service gets those it uses and no others. */
export interface Installation {
  natsAddress: string;
  natsUserFor: (service: string) => EngineUser;
  redisUrl: string;
  cacheRedisUrl: string;
  clickhouseUrl: string;
  host: string;
  port: number;
  tlsPort: number;
  consolePort: number;
  certFile: string;
  keyFile: string;
  adminToken: string;
  responseIdKey: string;
  /** Credentials that the configuration names and that no file holds (the simulator's key); for upstream alone. */
  providerCredentials: Readonly<NodeJS.ProcessEnv>;
}

/** Set by the launcher for the services that use them, so the launcher's own must not leak into the others. */
const handedOut = [
  ...[
    'HOME',
    'CACHE',
    'CONFIG',
    'TOGETHER',
    'ADMIN_TOKEN',
    'CONSOLE_URL',
    'CONSOLE_PORT',
    'HOST',
    'ANNOUNCE_HOST',
    'PORT',
    'TLS_PORT',
    'REUSE_PORT',
  ],
  ...[
    'TLS_CERT_FILE',
    'TLS_KEY_FILE',
    'NATS_URL',
    'NATS_USER',
    'NATS_PASSWORD',
    'REDIS_URL',
    'CACHE_REDIS_URL',
    'CLICKHOUSE_URL',
  ],
  ...['SERVICE', 'REPLICA', 'HEALTH_PORT', 'SIM_API_KEY', 'RESPONSE_ID_KEY'],
].map((name) => `TOLLGATE_${name}`);

const fromTheSystem = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_COMPILE_CACHE',
];

/** The environment of one replica. Only upstream, which calls providers, sees the launcher's own, and the console what webhooks need. */
export function serviceEnvironment(
  kind: ServiceKind,
  replica: string,
  installation: Installation,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const { name, password } = installation.natsUserFor(kind.name);
  return {
    ...inherited(kind, environment),
    TOLLGATE_SERVICE: kind.name,
    TOLLGATE_REPLICA: replica,
    TOLLGATE_HOST: '127.0.0.1',
    TOLLGATE_ANNOUNCE_HOST: '127.0.0.1',
    TOLLGATE_NATS_URL: installation.natsAddress,
    TOLLGATE_NATS_USER: name,
    TOLLGATE_NATS_PASSWORD: password,
    ...(kind.uses.includes('redis') && { TOLLGATE_REDIS_URL: installation.redisUrl }),
    ...(kind.uses.includes('cacheRedis') && { TOLLGATE_CACHE_REDIS_URL: installation.cacheRedisUrl }),
    ...(kind.uses.includes('responseIds') && { TOLLGATE_RESPONSE_ID_KEY: installation.responseIdKey }),
    ...(kind.uses.includes('clickhouse') && { TOLLGATE_CLICKHOUSE_URL: installation.clickhouseUrl }),
    ...ownVariables(kind.name, installation),
  };
}

function ownVariables(service: string, installation: Installation): NodeJS.ProcessEnv {
  if (service === 'ingress') {
    return {
      TOLLGATE_HOST: installation.host,
      TOLLGATE_PORT: String(installation.port),
      TOLLGATE_TLS_PORT: String(installation.tlsPort),
      TOLLGATE_REUSE_PORT: String(sharesPorts),
      TOLLGATE_TLS_CERT_FILE: installation.certFile,
      TOLLGATE_TLS_KEY_FILE: installation.keyFile,
    };
  }
  if (service === 'console') {
    return {
      TOLLGATE_HOST: installation.host,
      TOLLGATE_CONSOLE_PORT: String(installation.consolePort),
      TOLLGATE_REUSE_PORT: String(sharesPorts),
      TOLLGATE_ADMIN_TOKEN: installation.adminToken,
    };
  }
  return service === 'upstream' ? { ...installation.providerCredentials } : {};
}

// Settings of services (limits, time-outs) have names that begin with TOLLGATE_ or OTEL_. A configuration may name any
// variable as a provider's credential, also one that begins like that.
const setting = /^(TOLLGATE|OTEL)_/;
const credential = /_(KEY|SECRET|TOKEN|PASSWORD)$/;
/** Secrets and addresses of webhooks, and the way out to them: for the console alone. */
const webhook = /^TOLLGATE_WEBHOOK_/;
const wayOut = /^(https?|no)_proxy$/i;

function inherited({ name }: ServiceKind, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passes = (variable: string) => {
    if (handedOut.includes(variable)) return false;
    if (webhook.test(variable)) return name === 'console';
    if (name === 'upstream' || fromTheSystem.includes(variable)) return true;
    if (name === 'console' && wayOut.test(variable)) return true;
    return setting.test(variable) && !credential.test(variable);
  };
  return Object.fromEntries(Object.entries(environment).filter(([variable]) => passes(variable)));
}
