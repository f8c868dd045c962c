import { performance } from 'node:perf_hooks';

/** What of a registry this needs: a gauge whose value is set at each scrape. */
interface Gauges {
  gauge(name: string, help: string, labels: readonly [], collect: (gauge: { set(value: number): void }) => void): void;
}

/**
 * Read at the scrape only: prom-client's own set samples the event loop a hundred times a second, which ten idle
 * services on a small machine notice.
 */
export function observeProcess(metrics: Gauges): void {
  metrics.gauge('tollgate_process_resident_memory_bytes', 'Resident memory', [], (gauge) =>
    gauge.set(process.memoryUsage.rss()),
  );
  metrics.gauge('tollgate_process_heap_used_bytes', 'Used part of the JavaScript heap', [], (gauge) =>
    gauge.set(process.memoryUsage().heapUsed),
  );
  metrics.gauge('tollgate_process_cpu_seconds', 'CPU time used since the start, user and system', [], (gauge) => {
    const { user, system } = process.cpuUsage();
    gauge.set((user + system) / 1e6);
  });
  metrics.gauge('tollgate_process_uptime_seconds', 'Time since the start', [], (gauge) => gauge.set(process.uptime()));
  let before = performance.eventLoopUtilization();
  metrics.gauge(
    'tollgate_process_event_loop_utilization',
    'Busy share of the event loop since the last scrape, 0 to 1',
    [],
    (gauge) => {
      const now = performance.eventLoopUtilization();
      gauge.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  );
}
