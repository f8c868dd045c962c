import { until } from '@tollgate/engines';
import { type GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { toTestEngine } from './test-engine.ts';
import type { TestEngine, TestEngineName } from './types.ts';

const readyMsMax = 60_000;

/** A container (with its wait strategy) as an engine for tests; `probe` rejects until the engine answers. */
export async function containerEngine(
  name: TestEngineName,
  url: string,
  container: GenericContainer,
  probe: () => Promise<unknown>,
): Promise<TestEngine & { remove(): Promise<void> }> {
  const started = await container.start();
  const client = await getContainerRuntimeClient();
  const handle = client.container.getById(started.getId());
  const remove = async () => {
    await handle.remove({ force: true, v: true });
  };
  const answered = () => until(probe, AbortSignal.timeout(readyMsMax));
  try {
    await answered();
  } catch (error) {
    await remove();
    throw error;
  }
  const engine = toTestEngine({
    name,
    url,
    stop: async () => {
      await handle.stop();
    },
    start: async () => {
      await handle.start();
      await answered();
    },
    kill: async () => {
      await handle.kill({ signal: 'SIGKILL' });
      await handle.wait({ condition: 'not-running' });
    },
    pause: async () => {
      await handle.pause();
    },
    resume: async () => {
      await handle.unpause();
    },
  });
  return { ...engine, remove };
}
