import type { Facts, Verdict } from './facts.ts';

/** Twice what a service takes after hours of load on the machines where this was measured (docs/soak.md). */
const residentMibMax = 512;

/** What a service holds does not grow with what it has served. */
export function memoryIsBounded({ serviceMib }: Pick<Facts, 'serviceMib'>): Verdict {
  const all = Object.entries(serviceMib);
  const findings = all.filter(([, mib]) => mib > residentMibMax).map(([name, mib]) => `${name} holds ${mib} MiB`);
  const most = Math.max(0, ...Object.values(serviceMib));
  return { name: 'no service keeps what it has served', figures: { services: all.length, mostMib: most }, findings };
}
