import type { ActiveFault, FaultSpec } from './faults.ts';
import type { CallFilter, RecordedCall, WaitOptions } from './recorder.ts';
import type { Totals } from './totals.ts';

/** A simulator in another process, through its control API. Every method throws Error when it refuses. */
export interface RemoteAzureSimulator {
  readonly address: string;
  addFault(spec: FaultSpec): Promise<string>;
  faults(): Promise<ActiveFault[]>;
  clearFaults(): Promise<void>;
  openGate(name: string, chunks?: number): Promise<void>;
  calls(filter?: CallFilter): Promise<RecordedCall[]>;
  waitForCalls(filter?: CallFilter, options?: WaitOptions): Promise<RecordedCall[]>;
  totals(): Promise<Totals>;
  reset(): Promise<void>;
}

const WAIT_MS = 10_000;

/** `address` as the simulator announced it: `http://127.0.0.1:PORT`. */
export function connectAzureSimulator(address: string): RemoteAzureSimulator {
  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${address}/__sim/${path}`, { method, ...sent });
    const text = await response.text();
    if (!response.ok) throw new Error(`The simulator answered ${method} ${path} with ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  return {
    address,
    addFault: async (spec) => {
      const { ids } = (await control('POST', 'faults', spec)) as { ids: string[] };
      return ids[0] ?? '';
    },
    faults: async () => (await control('GET', 'faults')) as ActiveFault[],
    clearFaults: async () => void (await control('DELETE', 'faults')),
    openGate: async (name, chunks = 1) => void (await control('POST', 'gates', { name, chunks })),
    calls: async (filter = {}) => (await control('GET', `calls?${queryOf(filter)}`)) as RecordedCall[],
    waitForCalls: async (filter = {}, { count = 1, timeoutMs = WAIT_MS } = {}) => {
      const query = queryOf({ ...filter, count, waitMs: timeoutMs });
      return (await control('GET', `calls?${query}`)) as RecordedCall[];
    },
    totals: async () => (await control('GET', 'totals')) as Totals,
    reset: async () => void (await control('POST', 'reset')),
  };
}

function queryOf(fields: object): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString();
}
