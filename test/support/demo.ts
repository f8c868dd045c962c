import { readFile } from 'node:fs/promises';
import type { System } from './system.ts';

const file = new URL('../../infra/launcher/configuration/demo.yaml', import.meta.url);
const lastTeam = '      - name: sales\n';

/** The configuration that a system with the simulator began with, to be changed and applied again. */
export async function demoOf(system: System): Promise<string> {
  const { simulatorUrl } = await system.status();
  const text = await readFile(file, 'utf8');
  return text.replace('ENDPOINT', JSON.stringify(simulatorUrl)).replace('API_VERSION', '"2025-04-01-preview"');
}

/** The demo with further teams, each with one limit (YAML). */
export function withTeams(demo: string, limits: Readonly<Record<string, string>>): string {
  const teams = Object.entries(limits).map(([name, limit]) => `      - name: ${name}\n        limits: [${limit}]\n`);
  return demo.replace(lastTeam, lastTeam + teams.join(''));
}
