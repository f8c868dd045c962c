import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { newSystem, type System } from '@tollgate/testing/system';
import { configuration, credentialVariable, type ReachedLimits, type TeamName } from './configuration.ts';
import { type Simulator, startSimulator } from './simulator.ts';

/** A whole Tollgate of its own, and the provider that it calls. */
export interface Installation {
  system: System;
  simulator: Simulator;
  gatewayUrl: string;
  keys: Readonly<Record<TeamName, string>>;
  /** Ends all of it. @param keep leaves the home folder with its logs */
  close(keep: boolean): Promise<void>;
}

export async function startInstallation(limits: ReachedLimits): Promise<Installation> {
  const simulator = await startSimulator();
  const system = await newSystem({
    [credentialVariable]: simulator.apiKey,
    // Rows and rollups are looked at as soon as the load is over.
    TOLLGATE_ANALYTICS_PAUSE_MS: '300',
    TOLLGATE_ANALYTICS_ROLLUP_MS: '3000',
    // A silent provider is given up while the run lasts, a slow machine is not.
    TOLLGATE_UPSTREAM_FIRST_CONTENT_TIMEOUT_MS: '20000',
    TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS: '10000',
  });
  const close = async (keep: boolean) => {
    if (keep) await system.stop();
    else await system.remove();
    await simulator.close();
  };
  try {
    const file = path.join(system.home, 'soak.yaml');
    await writeFile(file, configuration(simulator.address, limits));
    system.env.TOLLGATE_CONFIG = file;
    await system.start();
    const keyOf = async (team: TeamName) => (await system.createKey(team, `soak-${team}`)).key;
    const keys = {
      engineering: await keyOf('engineering'),
      research: await keyOf('research'),
      narrow: await keyOf('narrow'),
      strict: await keyOf('strict'),
    };
    const { gatewayUrl } = await system.status();
    return { system, simulator, gatewayUrl, keys, close };
  } catch (error) {
    await close(true);
    throw error;
  }
}
