import type { Scope } from '@tollgate/lifecycle';

/**
 * Runs a step again and again, never two at once, until the service stops. A step that throws is logged and runs again:
 * these steps all wait for an engine that may be away.
 */
export function repeat(scope: Scope, name: string, everyMs: number, step: () => Promise<unknown>): void {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= step()
      .then(
        () => {},
        (error: unknown) => scope.logger.warn({ err: error, step: name }, 'step failed, runs again'),
      )
      .finally(() => {
        running = undefined;
      });
  }, everyMs);
  scope.defer(name, async () => {
    clearInterval(timer);
    await running;
  });
}
