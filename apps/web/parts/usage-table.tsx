import type { Cell, Dashboard, Sums } from '../api/types.ts';
import { formatCount, formatShare } from '../domain/figures.ts';
import { groupName } from '../domain/groups.ts';
import { digitsFor, formatNanoUsd } from '../domain/money.ts';
import { byTeam } from '../domain/team-rows.ts';

interface UsageTableProps {
  dashboard: Dashboard;
  by: 'team' | 'model';
  /** Name of a CSS variable. */
  colorOf: (group: string) => string;
}

/** Teams by models, the most expensive team first; each column of money with one number of digits. */
export function UsageTable({ dashboard, by, colorOf }: UsageTableProps) {
  const { cells, restOfCells, totals } = dashboard;
  const all = [...cells, totals];
  const digits = {
    cost: digitsFor(all.map(({ costNanoUsd }) => costNanoUsd)),
    saved: digitsFor(all.map(({ savedNanoUsd }) => savedNanoUsd)),
  };
  const swatch = (group: string) => (
    <span className="swatch" style={{ background: `var(${colorOf(group)})` }} aria-hidden="true" />
  );
  return (
    <section className="card" aria-labelledby="table-title">
      <header>
        <h2 id="table-title">Teams by model</h2>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable to be scrolled by keyboard */}
      <section className="table-scroll" aria-label="Teams by model, all columns" tabIndex={0}>
        <table className="usage">
          <thead>
            <tr>
              <th scope="col">Team</th>
              <th scope="col">Model</th>
              {columns.map((name) => (
                <th key={name} scope="col" className="figure">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          {byTeam(cells).map((rows) => (
            <tbody key={rows[0]?.teamId}>
              {rows.map((cell, index) => (
                <tr key={cell.model}>
                  {index === 0 && (
                    <th scope="rowgroup" rowSpan={rows.length}>
                      {by === 'team' && swatch(cell.teamId)}
                      {cell.teamName}
                    </th>
                  )}
                  <ModelCell cell={cell}>{by === 'model' && swatch(cell.model)}</ModelCell>
                  <Figures sums={cell} digits={digits} />
                </tr>
              ))}
            </tbody>
          ))}
          <tfoot>
            {restOfCells && (
              <tr>
                <th scope="row" colSpan={2}>
                  all others
                </th>
                <Figures sums={restOfCells} digits={digits} />
              </tr>
            )}
            <tr className="total">
              <th scope="row" colSpan={2}>
                Total
              </th>
              <Figures sums={totals} digits={digits} />
            </tr>
          </tfoot>
        </table>
      </section>
    </section>
  );
}

const columns = [
  'Requests',
  'Prompt tokens',
  'Completion tokens',
  'Cache hits',
  'Hit rate',
  'Failed',
  'Refused',
  'Saved',
  'Cost',
];

function ModelCell({ cell, children }: { cell: Cell; children: React.ReactNode }) {
  return (
    <td className={cell.model === '' ? 'none' : undefined}>
      {children}
      {groupName(cell.model)}
    </td>
  );
}

function Figures({ sums, digits }: { sums: Sums; digits: { cost: number; saved: number } }) {
  const { requests, promptTokens, completionTokens, cacheHits, errors, refused, savedNanoUsd, costNanoUsd } = sums;
  const figures: [value: number, text: string][] = [
    ...[requests, promptTokens, completionTokens, cacheHits].map(counted),
    [cacheHits, formatShare(cacheHits, requests)],
    ...[errors, refused].map(counted),
    [savedNanoUsd, formatNanoUsd(savedNanoUsd, digits.saved)],
    [costNanoUsd, formatNanoUsd(costNanoUsd, digits.cost)],
  ];
  return figures.map(([value, text], index) => (
    <td key={columns[index]} className={value === 0 ? 'figure zero' : 'figure'}>
      {text}
    </td>
  ));
}

const counted = (value: number): [number, string] => [value, formatCount(value)];
