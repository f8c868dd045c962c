import uPlot from 'uplot';
import type { Bucket, Measure } from '../api/types.ts';
import { formatTick } from '../domain/figures.ts';
import { formatAxisMoment } from '../domain/moments.ts';
import { stack } from '../domain/stack.ts';

export interface StackedData {
  bucketsMs: readonly number[];
  bucket: Bucket;
  /** From bottom to top, a value for each bucket. */
  columns: readonly (readonly number[])[];
}

export interface StackedBarsOptions {
  measure: Measure;
  /** CSS colours in the order of the columns. */
  colors: readonly string[];
  /** CSS variables of the chart's ground are read from here. */
  element: HTMLElement;
  width: number;
  height: number;
  data: StackedData;
  /** The bucket below the pointer, and how far from the left its middle is; undefined when the pointer is elsewhere. */
  onPoint: (index: number | undefined, left: number) => void;
  /** A stretch was drawn with the pointer. */
  onStretch: (fromMs: number, toMs: number) => void;
}

const bucketLengthsMs: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** The pointer's line goes through all charts. */
const syncKey = 'usage';
const font = '11px system-ui, sans-serif';
/** Of the axis of figures, so that charts below each other begin at one place. */
const labelPxMin = 56;
/** Less is a click and no stretch, pixels. */
const stretchPxMin = 8;

/** A stacked bar chart over time, painted by uPlot. */
export class StackedBars {
  readonly #plot: uPlot;
  readonly #options: StackedBarsOptions;
  #data: StackedData;
  #lengthMs: number;

  constructor(options: StackedBarsOptions) {
    this.#options = options;
    this.#data = options.data;
    this.#lengthMs = bucketLengthsMs[options.data.bucket];
    this.#plot = new uPlot(this.#plotOptions(), aligned(options.data, this.#lengthMs), options.element);
    this.#plot.over.addEventListener('mouseleave', () => options.onPoint(undefined, 0));
  }

  /** Of the same bucket and number of columns. */
  update(data: StackedData): void {
    this.#data = data;
    this.#plot.setData(aligned(data, this.#lengthMs));
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  /** Moves the line to a bucket, as the pointer does. */
  point(index: number): void {
    const at = (this.#data.bucketsMs[index] ?? 0) + this.#lengthMs / 2;
    this.#plot.setCursor({ left: this.#plot.valToPos(at, 'x'), top: 0 });
  }

  /** Takes the line away. */
  unpoint(): void {
    this.#plot.setCursor({ left: -10, top: -10 });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  /** Where the middle of a bucket is, pixels from the left of the chart. */
  leftOf(index: number): number {
    const at = (this.#data.bucketsMs[index] ?? 0) + this.#lengthMs / 2;
    return this.#plot.valToPos(at, 'x') + this.#plot.bbox.left / uPlot.pxRatio;
  }

  #plotOptions(): uPlot.Options {
    const { measure, colors, element, width, height, data } = this.#options;
    const style = getComputedStyle(element);
    const axis = style.getPropertyValue('--muted').trim();
    const grid = { stroke: style.getPropertyValue('--grid').trim(), width: 1 };
    const utc = data.bucket === 'day';
    return {
      width,
      height,
      ms: 1,
      ...(utc && { tzDate: (ms: number) => uPlot.tzDate(new Date(ms), 'Etc/UTC') }),
      // Room for one half of the last label.
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        // Only the line is shared: a stretch is drawn in one chart.
        sync: { key: syncKey, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' } },
      },
      scales: {
        x: { time: true, range: () => this.#range() },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.05 : 1] },
      },
      axes: [
        {
          stroke: axis,
          font,
          grid: { show: false },
          ticks: { ...grid, size: 4 },
          size: 26,
          gap: 3,
          space: 64,
          values: (_plot, splits, _axis, _space, stepMs) =>
            splits.map((ms) => formatAxisMoment(ms, stepMs, this.#data.bucket)),
        },
        {
          stroke: axis,
          font,
          grid,
          ticks: { show: false },
          size: (_plot, texts) => Math.max(labelPxMin, 14 + 6.5 * longest(texts ?? [])),
          gap: 6,
          space: 30,
          // A quarter of a request is nothing.
          incrs: wholeSteps,
          values: (_plot, splits) => splits.map((value) => formatTick(measure, value)),
        },
      ],
      series: [
        {},
        ...[...colors].reverse().map((fill) => ({
          fill,
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.86, 48], gap: 0 }),
        })),
      ],
      hooks: {
        setCursor: [(plot) => this.#pointed(plot)],
        setSelect: [(plot) => this.#stretched(plot)],
      },
    };
  }

  #range(): uPlot.Range.MinMax {
    const { bucketsMs } = this.#data;
    const first = bucketsMs[0] ?? 0;
    return [first, (bucketsMs.at(-1) ?? first) + this.#lengthMs];
  }

  // The charts beside it hear of the pointer too; only the one below it tells.
  #pointed(plot: uPlot): void {
    if (!plot.cursor.event) return;
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) this.#options.onPoint(undefined, 0);
    else this.#options.onPoint(idx, this.leftOf(idx));
  }

  #stretched(plot: uPlot): void {
    const { left, width } = plot.select;
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (width < stretchPxMin) return;
    this.#options.onStretch(Math.round(plot.posToVal(left, 'x')), Math.round(plot.posToVal(left + width, 'x')));
  }
}

/** 1, 2, 5, 10, 20, … : for nano-dollars too. */
const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

const longest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));

/** A bar stands over the middle of its bucket. */
function aligned({ bucketsMs, columns }: StackedData, lengthMs: number): uPlot.AlignedData {
  return [bucketsMs.map((at) => at + lengthMs / 2), ...stack(columns, bucketsMs.length)];
}
