/**
 * What an engine's process gets of this process's environment: where programs and temporary files are, and nothing that
 * could be a secret.
 */
export function plainEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const name of [
    'PATH',
    'HOME',
    'USER',
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'DOCKER_HOST',
    'DOCKER_CONFIG',
    'XDG_RUNTIME_DIR',
    'NODE_COMPILE_CACHE',
  ])
    if (env[name] !== undefined) kept[name] = env[name];
  return kept;
}
