import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { workFolder } from '@tollgate/engines/debian';
import { npmPack } from '@tollgate/engines/host/npm';
import { startProgress } from '@tollgate/engines/host/progress';
import { fontsConfiguration } from './fonts.ts';

/**
 * Chromium's headless shell, built from its sources for machines that have little (https://github.com/Sparticuz/chromium,
 * MIT), with the libraries and a font that such a machine lacks. The checksum is the one that the registry published.
 */
const build = {
  name: '@sparticuz/chromium',
  version: '147.0.0',
  integrity: 'sha512-4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ==',
  bytes: 68_307_621,
};
const archives = ['al2023.tar', 'fonts.tar', 'swiftshader.tar'];

/** Whether there is a build for this machine: it needs the C library of GNU, and has no arm64. */
export const builtForThisMachine = process.platform === 'linux' && process.arch === 'x64';

/** Where a cache folder has it, once it was fetched. */
export const npmChromiumFolder = (cache: string) => path.join(cache, `chromium-npm-${build.version}`);

/** Fetches and unpacks it. @throws when the registry cannot be reached, or has something else under that name */
export async function fetchNpmChromium(cache: string): Promise<void> {
  const folder = npmChromiumFolder(cache);
  if (existsSync(folder)) return;
  const work = workFolder(cache, 'chromium-npm');
  const progress = startProgress(`fetching Chromium ${build.version}`, { bytes: build.bytes });
  try {
    const unpacked = path.join(work, 'x');
    const packed = path.join(work, 'package/bin');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', await npmPack(build, work), '-C', work]);
    for (const name of archives) {
      await unpackBrotli(path.join(packed, `${name}.br`), path.join(work, name));
      execFileSync('tar', ['-xf', path.join(work, name), '-C', unpacked]);
    }
    await unpackBrotli(path.join(packed, 'chromium.br'), path.join(unpacked, 'chromium'), 0o755);
    writeFileSync(path.join(unpacked, 'fonts-here.conf'), fontsConfiguration(folder, 'fonts'));
    renameSync(unpacked, folder);
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const unpackBrotli = (from: string, to: string, mode = 0o644) =>
  pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode }));
