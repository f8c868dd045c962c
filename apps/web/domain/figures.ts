import type { Measure } from '../api/types.ts';
import { formatNanoUsd } from './money.ts';

export interface MeasureText {
  title: string;
  /** For one figure and its name, in running text. */
  unit: string;
}

export const measures: Readonly<Record<Measure, MeasureText>> = {
  tokens: { title: 'Tokens', unit: 'tokens' },
  costNanoUsd: { title: 'Cost', unit: '' },
  requests: { title: 'Requests', unit: 'requests' },
  cacheHits: { title: 'Cache hits', unit: 'hits' },
};

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3, useGrouping: true });

/** With all its digits: `1,234,567`. */
export const formatCount = (count: number): string => whole.format(count);

/** A figure as it stands in tiles, tables and tooltips: exact. */
export function formatFigure(measure: Measure, value: number, digits?: number): string {
  return measure === 'costNanoUsd' ? formatNanoUsd(value, digits) : formatCount(value);
}

/** A figure beside an axis: short, and exact only as far as an axis is. */
export function formatTick(measure: Measure, value: number): string {
  return measure === 'costNanoUsd' ? `$${dollars.format(value / 1e9)}` : short.format(value);
}

/** A part of a whole, `12.5%`; `–` where there is no whole. */
export function formatShare(part: number, all: number): string {
  if (all === 0) return '–';
  return `${((100 * part) / all).toFixed(1)}%`;
}
