import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const outputCharactersMax = 64_000;

/**
 * Runs npm with these arguments and returns its standard output. Its messages are shown only when it fails, as part of
 * the error. HTTPS_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS reach npm with the environment.
 */
export function npm(args, { cwd } = {}) {
  const { command, first } = npmCommand();
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd,
      env: quietEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Whoever ends this process in the middle of a fetch does not want npm to go on alone.
    const end = () => child.kill('SIGTERM');
    process.once('exit', end);
    let output = '';
    let messages = '';
    child.stdout.on('data', (data) => {
      output = (output + data).slice(-outputCharactersMax);
    });
    child.stderr.on('data', (data) => {
      messages = (messages + data).slice(-outputCharactersMax);
    });
    child.on('error', (error) =>
      reject(new Error(`npm could not be started (${error.message}): install it beside Node.`)),
    );
    child.on('close', (code) => {
      process.off('exit', end);
      if (code === 0) resolve(output);
      else reject(new Error(`npm ${args.join(' ')} failed.\n${messages.trim()}\n${wayOut(messages)}`.trim()));
    });
  });
}

/**
 * Fetches a package into a folder and returns its archive (.tgz), once its checksum is the one that is wanted: that of the registry's
 * entry alone would change with the entry.
 */
export async function npmPack({ name, version, integrity }, folder) {
  const printed = await npm(['pack', `${name}@${version}`, '--pack-destination', folder], { cwd: folder });
  const archive = path.join(folder, printed.trim().split('\n').pop());
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity)
    throw new Error(`${name}@${version} has the checksum ${found}, expected ${integrity}: it was not used.`);
  return archive;
}

// Below `npm start` the running npm is known by its file; that also spares a search of PATH for npm.cmd and its like.
function npmCommand() {
  const file = process.env.npm_execpath;
  return file && /npm-cli\.(c|m)?js$/.test(file)
    ? { command: process.execPath, first: [file] }
    : { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', first: [] };
}

// `npm start` hands its own settings down as npm_config_*; a prefix among them would send an install elsewhere.
function quietEnvironment() {
  const env = {
    // A registry that is away shall not look like a slow one for minutes.
    npm_config_fetch_retry_maxtimeout: '10000',
    ...process.env,
    npm_config_update_notifier: 'false',
    npm_config_loglevel: 'error',
  };
  for (const name of [
    'npm_config_prefix',
    'npm_config_local_prefix',
    'npm_config_global',
    'npm_config_workspace',
    'npm_config_json',
  ])
    delete env[name];
  return env;
}

function wayOut(messages) {
  if (/ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|network/i.test(messages))
    return 'The package registry cannot be reached: set HTTPS_PROXY, or unpack a bundle into the cache folder (TOLLGATE_CACHE).';
  if (/CERT|certificate/i.test(messages))
    return 'The registry’s certificate is not trusted: set NODE_EXTRA_CA_CERTS to your authority’s file.';
  if (/ENOSPC/.test(messages)) return 'The disk is full.';
  if (/EACCES|EPERM/.test(messages))
    return 'A file may not be written by this user: look at the owner of the folder named above.';
  return '';
}
