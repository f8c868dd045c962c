import type { Series } from '../api/types.ts';
import { groupName } from '../domain/groups.ts';

/** The colours of the groups, once for all charts. */
export function Legend({ series, colorOf }: { series: readonly Series[]; colorOf: (group: string) => string }) {
  return (
    <ul className="legend" aria-label="Colours">
      {series.map(({ id, name }) => (
        <li key={id}>
          <span className="swatch" style={{ background: `var(${colorOf(id)})` }} aria-hidden="true" />
          {groupName(name)}
        </li>
      ))}
    </ul>
  );
}
