// libuv reads the size of its pool when the first thread is needed, so it is set before anything else is loaded.
import process from 'node:process';
import { THREADS } from './engine/threads.ts';

process.env.UV_THREADPOOL_SIZE = String(THREADS);

const { readConfig } = await import('./config.ts');
const { start } = await import('./service.ts');

try {
  const service = await start(readConfig());
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    try {
      await service.close();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`clickhouse-dev: stopped badly: ${String(error)}\n`);
      process.exit(1);
    }
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Whoever started this is gone: nobody would stop it any more.
  process.on('disconnect', stop);
  process.stdout.write(`clickhouse-dev: listening on ${service.address}\n`);
  process.send?.({ type: 'ready', address: service.address });
} catch (error) {
  process.stderr.write(`clickhouse-dev: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
