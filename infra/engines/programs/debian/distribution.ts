/** What decides where engines come from on a system with apt. */
export interface Distribution {
  family: 'debian' | 'ubuntu';
  /** `bookworm`, `noble`, … */
  codename: string;
  /** Releases to take engines from, best first. */
  suites: readonly string[];
  component: string;
  keyring: string;
}

/** The first releases with Redis ≥ 8 and a nats-server ≥ 2.10.23. */
const firstSuite = { debian: 'trixie', ubuntu: 'resolute' } as const;

/**
 * Reads /etc/os-release. Undefined for a system that is neither Debian nor Ubuntu, nor made from them.
 * Engines run with the loader and libraries of their own release, so the system's own age does not matter.
 */
export function distributionOf(osRelease: string): Distribution | undefined {
  const fields = new Map<string, string>();
  for (const line of osRelease.split('\n')) {
    const [, name, value] = /^([A-Z_]+)="?([^"]*)"?$/.exec(line.trim()) ?? [];
    if (name) fields.set(name, value ?? '');
  }
  const ids = [fields.get('ID'), ...(fields.get('ID_LIKE') ?? '').split(' ')];
  // Ubuntu says of itself that it is like Debian, so its name is looked for first.
  const family = ids.includes('ubuntu') ? 'ubuntu' : ids.includes('debian') ? 'debian' : undefined;
  if (!family) return undefined;
  const own =
    family === 'ubuntu'
      ? (fields.get('UBUNTU_CODENAME') ?? fields.get('VERSION_CODENAME'))
      : fields.get('VERSION_CODENAME');
  return {
    family,
    codename: own ?? '',
    suites: own && own !== firstSuite[family] ? [firstSuite[family], own] : [firstSuite[family]],
    // Ubuntu keeps Redis and NATS in universe, and the libraries in main.
    component: family === 'ubuntu' ? 'main universe' : 'main',
    keyring: `/usr/share/keyrings/${family}-archive-keyring.gpg`,
  };
}
