/** Subjects of the bus that guards and their callers meet on; `@tollgate/bus` lists them among its own. */
export const beatSubject = 'tg.v1.guard.beat';
export const helloSubject = 'tg.v1.guard.hello';

/** What guards and their callers need of `@tollgate/bus`. */
export type GuardBus = {
  publish(subject: string, bytes: Uint8Array): void;
  subscribe(subject: string, receive: (bytes: Uint8Array) => void): { stop(): void };
  /** Connected again after a loss: callers say hello, guards beat. */
  onReconnect?(handler: () => void): void;
};
