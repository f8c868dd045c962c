import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from './workspace-list.ts';

/**
 * Whoever builds the baseline anew could take back with it what another build already speaks, and the comparison with
 * the baseline would be content. So proto is compared with every baseline that was committed since this moment, in
 * which the wire was first said to be stable (ADR 1).
 */
const stableSince = '2026-11-26T14:21:00Z';

const image = 'proto/baseline.binpb';

function git(...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr?.toString().trim() || 'git is not there'}`);
  return stdout;
}

/** Of a clone without its history only what it has is compared; an unpacked archive has none. */
function earlierBaselines(): string[] {
  try {
    return git('log', '--format=%H', `--since=${stableSince}`, '--', image).toString().split('\n').filter(Boolean);
  } catch (error) {
    console.log(`left out, as the history cannot be read: ${(error as Error).message}`);
    return [];
  }
}

const scratch = mkdtempSync(path.join(tmpdir(), 'tollgate-baselines-'));
let broken = 0;
try {
  for (const commit of earlierBaselines()) {
    const earlier = path.join(scratch, `${commit}.binpb`);
    writeFileSync(earlier, git('show', `${commit}:${image}`));
    const { status } = spawnSync('buf', ['breaking', 'proto', '--against', earlier], { cwd: root, stdio: 'inherit' });
    if (status === 0) continue;
    broken++;
    console.error(`proto/ breaks what the wire was at ${commit.slice(0, 7)}: it needs a new major version (ADR 1)`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(broken === 0 ? 0 : 1);
