import { readdirSync } from 'node:fs';
import path from 'node:path';
import { permissionsFor } from '@tollgate/bus';
import { natsConfiguration } from '@tollgate/engines';

/** Every service of this repository; each has its own NATS user. */
export const services: readonly string[] = readdirSync(path.resolve(import.meta.dirname, '../../services')).sort();

export const natsConfigurationFile = path.join(import.meta.dirname, 'nats.conf');

/** `guard-auth` → `NATS_PASSWORD_GUARD_AUTH`, a variable of the NATS container. */
export const passwordVariable = (service: string): string =>
  `NATS_PASSWORD_${service.toUpperCase().replaceAll('-', '_')}`;

/** The text of nats.conf for containers. It holds no secret: passwords are read from the server's environment. */
export function composeNatsConfiguration(): string {
  const users = services.map((name) => ({
    name,
    ...permissionsFor(name),
    password: { variable: passwordVariable(name) },
  }));
  // The monitor is for the health check inside the container, so nothing else reaches it.
  const place = { listen: '0.0.0.0:4222', folder: '', monitor: '127.0.0.1:8222', syncAlways: true };
  return `# Generated from @tollgate/bus (permissionsFor): npm run generate -w @tollgate/docker\n${natsConfiguration(place, users)}`;
}
