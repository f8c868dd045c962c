import type { Scope } from '@tollgate/lifecycle';

/** Runs a step again and again, never two at once, until the service stops. The step catches its own errors. */
export function repeat(scope: Scope, name: string, everyMs: number, step: () => Promise<void>): void {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= step().finally(() => {
      running = undefined;
    });
  }, everyMs);
  scope.defer(name, async () => {
    clearInterval(timer);
    await running;
  });
}
