import type { Measure } from '../api/types.ts';
import { formatFigure } from '../domain/figures.ts';
import { digitsFor } from '../domain/money.ts';

export interface TipLine {
  id: string;
  name: string;
  value: number;
  color: string;
}

interface ChartTipProps {
  measure: Measure;
  at: string;
  lines: readonly TipLine[];
  sum: number;
  /** Of the bucket's middle, pixels from the left of the chart. */
  left: number;
  within: HTMLElement | null;
}

/** The figures of one bucket, beside the line. What it says is in the slider's value too. */
export function ChartTip({ measure, at, lines, sum, left, within }: ChartTipProps) {
  const digits = digitsFor(measure === 'costNanoUsd' ? [sum, ...lines.map(({ value }) => value)] : []);
  const beyondMiddle = left > (within?.clientWidth ?? 0) / 2;
  const place = beyondMiddle ? { right: (within?.clientWidth ?? 0) - left + 12 } : { left: left + 12 };
  return (
    <div className="tip" style={place} aria-hidden="true">
      <div className="tip-at">{at}</div>
      {lines.length === 0 && <div className="tip-none">nothing</div>}
      {lines.length > 0 && (
        <table>
          <tbody>
            {lines.map(({ id, name, value, color }) => (
              <tr key={id}>
                <td>
                  <span className="swatch" style={{ background: `var(${color})` }} />
                  {name}
                </td>
                <td>{formatFigure(measure, value, digits)}</td>
              </tr>
            ))}
            {lines.length > 1 && (
              <tr className="tip-sum">
                <td>Total</td>
                <td>{formatFigure(measure, sum, digits)}</td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </div>
  );
}
