import { loadScript } from '@tollgate/redis';

/**
 * Each begins with `#!lua`: the server then refuses the whole script when it is out of memory or cannot write its disk,
 * instead of letting it fail in the middle.
 */
const script = (name: string) => loadScript(new URL(`./scripts/${name}.lua`, import.meta.url));

export const scripts = {
  reserve: script('reserve'),
  settle: script('settle'),
  extend: script('extend'),
  told: script('told'),
  renew: script('renew'),
  release: script('release'),
  claim: script('claim'),
  claimEnd: script('claim-end'),
  expired: script('expired'),
  trim: script('trim'),
  rebuildBegin: script('rebuild-begin'),
  rebuildWrite: script('rebuild-write'),
  counters: script('counters'),
  probeFill: script('probe-fill'),
};
