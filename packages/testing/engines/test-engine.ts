import type { TestEngine, TestEngineName } from './types.ts';

interface Startable {
  readonly name: TestEngineName;
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** The face that tests see of an engine, whatever runs it. */
export function toTestEngine(engine: Startable): TestEngine {
  const { username, password } = new URL(engine.url);
  return {
    name: engine.name,
    url: engine.url,
    credentials: { user: decodeURIComponent(username), password: decodeURIComponent(password) },
    start: () => engine.start(),
    stop: () => engine.stop(),
    kill: () => engine.kill(),
    pause: () => engine.pause(),
    resume: () => engine.resume(),
  };
}
