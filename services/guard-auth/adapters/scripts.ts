import { loadScript } from '@tollgate/redis';

const script = (name: string) => loadScript(new URL(`./scripts/${name}.lua`, import.meta.url));

export const scripts = {
  reserve: script('reserve'),
  settle: script('settle'),
  renew: script('renew'),
  release: script('release'),
  expired: script('expired'),
  trim: script('trim'),
  rebuildBegin: script('rebuild-begin'),
  rebuildWrite: script('rebuild-write'),
};
