import type { Environment } from '@tollgate/config';

const general = 'TOLLGATE_';

/** Set by the process for each of its services, so one's must not be another's. */
const own = ['TOLLGATE_SERVICE', 'TOLLGATE_REPLICA', 'TOLLGATE_PORT', 'TOLLGATE_NATS_USER', 'TOLLGATE_NATS_PASSWORD'];

/** `TOLLGATE_AT_GUARD_AUTH_`: what follows it is a variable of that service alone. */
const prefixOf = (service: string) => `${general}AT_${service.toUpperCase().replaceAll('-', '_')}_`;

/**
 * The variables of one service in a process that runs several: the process's, without those that tell services apart, and
 * `TOLLGATE_AT_<SERVICE>_X` as its `TOLLGATE_X`.
 */
export function memberEnvironment(service: string, environment: Environment): Environment {
  const prefix = prefixOf(service);
  const result: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(`${general}AT_`) && !own.includes(name)) result[name] = value;
  }
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(prefix)) result[general + name.slice(prefix.length)] = value;
  }
  return { ...result, TOLLGATE_SERVICE: service };
}

/**
 * The environment of a process from those of its services: what is the same for all stands there once, the rest as
 * `memberEnvironment` finds it.
 */
export function processEnvironmentOf(members: readonly { name: string; environment: Environment }[]): Environment {
  const result: Record<string, string | undefined> = {};
  for (const { name, environment } of members) {
    for (const [variable, value] of Object.entries(environment)) {
      const isShared = !own.includes(variable) && members.every((member) => member.environment[variable] === value);
      if (isShared) result[variable] = value;
      else if (variable !== 'TOLLGATE_SERVICE') result[prefixOf(name) + variable.slice(general.length)] = value;
    }
  }
  return { ...result, TOLLGATE_SERVICES: members.map(({ name }) => name).join(',') };
}
