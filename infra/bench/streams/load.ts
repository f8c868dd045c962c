import { Agent, request } from 'node:http';
import { build } from 'hdr-histogram-js';
import { Chunks } from './chunks.ts';

/** What a load process is told, as its one argument (JSON). */
export interface StreamPlan {
  url: string;
  headers: Record<string, string>;
  /** Open at the same time, each followed by another when it ends. */
  streams: number;
  /** Of each stream, in number and in seconds. */
  chunks: number;
  streamSeconds: number;
  /** From when all are open. */
  seconds: number;
}

export interface StreamReport {
  /** Chunks with content while all streams were open. */
  chunks: number;
  seconds: number;
  /** Of all, from the first to the last. */
  streams: number;
  whole: number;
  /** Refused, or broken off. */
  failed: number;
  /** Chunks that did not come, came twice, or in another order. */
  misplaced: number;
  /** From the request to its first content, of those that began while all were open. */
  firstP50Us: number;
  firstP99Us: number;
}

// A process of its own, so that the load's CPU time is nobody else's: plan in, report out, both JSON.
console.log(JSON.stringify(await runStreams(JSON.parse(process.argv[2] ?? '{}') as StreamPlan)));

async function runStreams(plan: StreamPlan): Promise<StreamReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  // They begin one after the other over the length of one, so that beginnings and ends are spread ever after.
  const openedAt = performance.now() + plan.streamSeconds * 1000;
  const until = openedAt + plan.seconds * 1000;
  const first = build({ highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
  const report = { chunks: 0, streams: 0, whole: 0, failed: 0, misplaced: 0 };
  const counts = () => {
    const now = performance.now();
    return now >= openedAt && now < until;
  };

  const one = (number: number) =>
    new Promise<void>((resolve) => {
      const content = `Question ${number}: what does stream ${number} say?`;
      const body = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }], stream: true });
      const sentAt = performance.now();
      const chunks = new Chunks();
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...plan.headers,
      };
      let ended = false;
      const end = (whole: boolean) => {
        if (ended) return;
        ended = true;
        report.streams++;
        if (whole) report.whole++;
        else report.failed++;
        // Of a stream that failed nobody expects the rest.
        report.misplaced += chunks.misplaced + (whole ? plan.chunks - chunks.next : 0);
        resolve();
      };
      const sent = request(plan.url, { method: 'POST', agent, headers }, (response) => {
        response.on('data', (bytes: Buffer) => {
          const had = chunks.next;
          const came = chunks.read(bytes);
          if (came === 0 || !counts()) return;
          report.chunks += came;
          if (had === 0) first.recordValue(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
        });
        response.on('end', () => end(response.statusCode === 200 && chunks.done));
        response.on('error', () => end(false));
      });
      sent.on('error', () => end(false));
      sent.end(body);
    });

  let number = Date.now() % 1_000_000_000;
  const place = async (at: number) => {
    await new Promise((resolve) => setTimeout(resolve, (at / plan.streams) * plan.streamSeconds * 1000));
    while (performance.now() < until) {
      const { failed } = report;
      await one(number++);
      // Whoever is refused does not ask again at once.
      if (report.failed > failed) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  };
  await Promise.all(Array.from({ length: plan.streams }, (_, at) => place(at)));
  agent.destroy();
  return {
    ...report,
    seconds: plan.seconds,
    firstP50Us: first.getValueAtPercentile(50),
    firstP99Us: first.getValueAtPercentile(99),
  };
}
