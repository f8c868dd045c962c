import type { Dashboard } from '../api/types.ts';
import { formatMoment, zoneName } from '../domain/moments.ts';

const bucketNames = { minute: 'by minute', hour: 'by hour', day: 'by day (UTC)' } as const;

/** The range that the figures are of. */
export function ShownRange({ dashboard: { fromMs, toMs, bucket } }: { dashboard: Dashboard }) {
  return (
    <p className="shown-range">
      <Moment ms={fromMs} /> – <Moment ms={toMs} /> {zoneName('minute', toMs)}, {bucketNames[bucket]}
    </p>
  );
}

function Moment({ ms }: { ms: number }) {
  return <time dateTime={new Date(ms).toISOString()}>{formatMoment(ms)}</time>;
}
