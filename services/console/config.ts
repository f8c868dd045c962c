import { fileURLToPath } from 'node:url';
import { backgroundDefaults } from '@tollgate/bus';
import {
  booleanVariable,
  clickhouseEnv,
  type Environment,
  integerVariable,
  natsEnv,
  portVariable,
  readEnvironment,
  replicaEnv,
  z,
} from '@tollgate/config';

const hourMs = 3_600_000;
const proxy = z.string().optional();
const builtPages = fileURLToPath(new URL('../../apps/web/dist', import.meta.url));

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      ...clickhouseEnv,
      /** Port of the admin API and the pages; 0 = any free one. */
      TOLLGATE_CONSOLE_PORT: portVariable(8081),
      /** Other replicas on this machine listen on the same port (SO_REUSEPORT). */
      TOLLGATE_REUSE_PORT: booleanVariable(false),
      /** Whoever has it may change everything. */
      TOLLGATE_ADMIN_TOKEN: z.string().min(16, 'must have at least 16 characters'),
      /** Folder of the built pages; it may be missing or empty. */
      TOLLGATE_WEB_DIST: z.string().default(builtPages),
      /** Replicas of the JetStream stream and bucket that are created: 1 on one machine, 3 in a cluster. */
      TOLLGATE_STREAM_REPLICAS: integerVariable({ min: 1, max: 5, default: 1 }),
      /** Bound of the USAGE stream, bytes; at it admission answers 503. */
      TOLLGATE_USAGE_BYTES_MAX: integerVariable({ min: 1024 * 1024, max: 2 ** 50, default: 8 * 1024 ** 3 }),
      /** Bounds of the streams of requests in the background: how many wait or run, bytes of all that is kept, how long it is. */
      TOLLGATE_BACKGROUND_QUEUE_MAX: integerVariable({ min: 1, max: 100_000, default: backgroundDefaults.queueMax }),
      TOLLGATE_BACKGROUND_BYTES_MAX: integerVariable({
        min: 1024 * 1024,
        max: 2 ** 50,
        default: backgroundDefaults.bytesMax,
      }),
      TOLLGATE_BACKGROUND_KEPT_HOURS: integerVariable({
        min: 1,
        max: 24 * 30,
        default: backgroundDefaults.keptMs / hourMs,
      }),
      /** The way out to receivers of webhooks, as curl reads it. */
      HTTPS_PROXY: proxy,
      https_proxy: proxy,
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      NO_PROXY: proxy,
      no_proxy: proxy,
    },
    environment,
  );
