import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { Bucket, Measure, Series } from '../api/types.ts';
import { formatFigure, measures } from '../domain/figures.ts';
import { groupName } from '../domain/groups.ts';
import { formatBucket } from '../domain/moments.ts';
import { sumAt } from '../domain/stack.ts';
import { useTheme } from '../state/use-theme.ts';
import { ChartTip, type TipLine } from './chart-tip.tsx';
import { StackedBars } from './stacked-bars.ts';

interface ChartCardProps {
  measure: Measure;
  /** Of the whole range. */
  total: number;
  series: readonly Series[];
  bucketsMs: readonly number[];
  bucket: Bucket;
  /** Name of a CSS variable. */
  colorOf: (group: string) => string;
  onStretch: (fromMs: number, toMs: number) => void;
}

const height = 190;

/** One measure over time, stacked by group. To the keyboard a slider over its buckets. */
export function ChartCard({ measure, total, series, bucketsMs, bucket, colorOf, onStretch }: ChartCardProps) {
  const title = useId();
  const theme = useTheme();
  const target = useRef<HTMLDivElement>(null);
  const chart = useRef<StackedBars>(undefined);
  const [pointed, setPointed] = useState<{ index: number; left: number }>();
  const groups = series.map(({ id }) => id).join('\n');
  const data = { bucketsMs, bucket, columns: series.map((one) => one[measure]) };
  const latest = useRef({ data, onStretch });
  latest.current = { data, onStretch };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart is made for its groups, bucket and theme; figures only update it
  useLayoutEffect(() => {
    const element = target.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const made = new StackedBars({
      measure,
      colors: series.map(({ id }) => style.getPropertyValue(colorOf(id)).trim()),
      element,
      width: element.clientWidth,
      height,
      data: latest.current.data,
      onPoint: (index, left) => setPointed(index === undefined ? undefined : { index, left }),
      onStretch: (fromMs, toMs) => latest.current.onStretch(fromMs, toMs),
    });
    chart.current = made;
    setPointed(undefined);
    const resized = new ResizeObserver(() => made.resize(element.clientWidth, height));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [groups, bucket, theme, measure]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the columns are the series'
  useEffect(() => chart.current?.update(latest.current.data), [bucketsMs, series]);

  const last = bucketsMs.length - 1;
  const index = Math.min(pointed?.index ?? last, last);
  const point = (next: number) => {
    const bounded = Math.max(0, Math.min(last, next));
    chart.current?.point(bounded);
    setPointed({ index: bounded, left: chart.current?.leftOf(bounded) ?? 0 });
  };
  const unpoint = () => {
    chart.current?.unpoint();
    setPointed(undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ...{ ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1 },
      ...{ PageDown: index - 10, PageUp: index + 10, Home: 0, End: last },
    };
    const next = moves[event.key];
    // The first step shows where it stands; Home and End go where they say.
    const jumps = event.key === 'Home' || event.key === 'End';
    if (next !== undefined) point(pointed || jumps ? next : index);
    else if (event.key === 'Escape') unpoint();
    else return;
    event.preventDefault();
  };

  const lines: TipLine[] = series
    .map((one) => ({ id: one.id, name: groupName(one.name), value: one[measure][index] ?? 0, color: colorOf(one.id) }))
    .filter(({ value }) => value > 0);
  const at = formatBucket(bucketsMs[index] ?? 0, bucket);
  const sum = sumAt(data.columns, index);
  const { title: name, unit } = measures[measure];
  const told = [
    `${at}: ${formatFigure(measure, sum)} ${unit}`,
    ...lines.map((line) => `${line.name} ${formatFigure(measure, line.value)}`),
  ];
  return (
    <section className="card chart" aria-labelledby={title}>
      <header>
        <h2 id={title}>{name}</h2>
        <span className="chart-total">{formatFigure(measure, total)}</span>
      </header>
      {/* A canvas says nothing to those who do not see it: the slider's value is read to them. */}
      <div
        className="plot"
        ref={target}
        role="slider"
        tabIndex={0}
        aria-label={`${name} over time`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, index)}
        aria-valuetext={told.join(', ')}
        onKeyDown={onKeyDown}
        onBlur={unpoint}
      />
      {pointed && (
        <ChartTip measure={measure} at={at} lines={lines} sum={sum} left={pointed.left} within={target.current} />
      )}
    </section>
  );
}
