// The cells of the heat map: what a metric is for a provider (or model) and a task, how far from usual, and whether that may be chance.
import type { BaselineBand, BaselinePoint, Dimension, MetricName, MetricSeries, MetricWindow } from '../api/model';
import { signed } from '../format/format';
import { METRICS } from './metric';

/** How a difference from usual is measured, from where on it is slight, clear and strong, and whether more is better. */
interface Difference {
  isLogarithmic: boolean;
  steps: readonly [slight: number, clear: number, strong: number];
  better: 'more' | 'less' | 'neither';
}

const LOGARITHMIC: Difference = {
  isLogarithmic: true,
  steps: [Math.log(1.1), Math.log(1.3), Math.log(2)],
  better: 'less',
};
const RATIO: Difference = { isLogarithmic: false, steps: [0.01, 0.03, 0.1], better: 'more' };

export const DIFFERENCES: Readonly<Record<MetricName, Difference>> = {
  SUCCESS_RATIO: RATIO,
  LATENCY: LOGARITHMIC,
  LATENCY_P95: LOGARITHMIC,
  TIME_TO_FIRST_TOKEN: LOGARITHMIC,
  COST_PER_CALL: LOGARITHMIC,
  OUTPUT_TOKENS: { ...LOGARITHMIC, better: 'neither' },
  REVISIONS: { isLogarithmic: false, steps: [0.05, 0.15, 0.5], better: 'less' },
  QUALITY: RATIO,
  CALL_VOLUME: { ...LOGARITHMIC, better: 'neither' },
};

// So many standard errors, and a difference is seldom chance.
const ERRORS_LEAST = 2;
// The usual range reaches that many typical deviations to either side.
const BAND_DEVIATIONS = 2;
// Nobody succeeds always: a share of one has an error, too.
const RATIO_EDGE = 0.01;
const HOUR_MS = 3_600_000;

export interface Usual {
  low: number;
  centre: number;
  high: number;
}

export interface Cell {
  window: MetricWindow;
  value: number | null;
  usual: Usual | null;
  /** From usual to now, in the metric's unit, or as the logarithm of the quotient; null where one of them is not known. */
  change: number | null;
  /** 0: as usual, or it may be chance. To 3: far from it. Below zero: less. */
  level: number;
  /** Whether that is good, where one can say so. */
  isBetter: boolean | null;
}

/** What was usual on average over the points. */
export function usualOf(points: readonly BaselinePoint[]): Usual | null {
  const known = points.filter(({ centre, low, high }) => centre !== null && low !== null && high !== null);
  if (known.length === 0) return null;
  const mean = (part: 'low' | 'centre' | 'high'): number =>
    known.reduce((sum, point) => sum + point[part]!, 0) / known.length;
  return { low: mean('low'), centre: mean('centre'), high: mean('high') };
}

/** How many single values the window's one rests on. */
function countOf(metric: MetricName, window: MetricWindow): number {
  if (metric === 'QUALITY') return window.quality_count;
  if (metric === 'REVISIONS') return window.task_count;
  if (metric === 'CALL_VOLUME') return (Date.parse(window.end) - Date.parse(window.start)) / HOUR_MS;
  return window.call_count;
}

/** The standard error of the window's value, on the scale of the difference. */
function errorOf(metric: MetricName, { low, centre, high }: Usual, count: number): number {
  if (count <= 0) return Infinity;
  if (metric === 'SUCCESS_RATIO') {
    const p = Math.min(1 - RATIO_EDGE, Math.max(RATIO_EDGE, centre));
    return Math.sqrt((p * (1 - p)) / count);
  }
  const reach = DIFFERENCES[metric].isLogarithmic ? Math.log(high / centre) : (high - low) / 2;
  return reach / BAND_DEVIATIONS / Math.sqrt(count);
}

function changeOf(metric: MetricName, value: number | null, usual: Usual | null): number | null {
  if (value === null || usual === null) return null;
  if (!DIFFERENCES[metric].isLogarithmic) return value - usual.centre;
  return value > 0 && usual.centre > 0 ? Math.log(value / usual.centre) : null;
}

export function cellOf(metric: MetricName, window: MetricWindow, usual: Usual | null): Cell {
  const value = METRICS[metric].of(window);
  const change = changeOf(metric, value, usual);
  const { steps, better } = DIFFERENCES[metric];
  let level = 0;
  if (change !== null && Math.abs(change) >= ERRORS_LEAST * errorOf(metric, usual!, countOf(metric, window)))
    level = Math.sign(change) * steps.filter((step) => Math.abs(change) >= step).length;
  const isBetter = level === 0 || better === 'neither' ? null : level > 0 === (better === 'more');
  return { window, value, usual, change, level, isBetter };
}

/** The difference as one would say it: "+12 %", "×2.3", "−2.1 pts". */
export function changeWords(metric: MetricName, change: number): string {
  if (DIFFERENCES[metric].isLogarithmic) {
    const factor = Math.exp(change);
    if (factor >= 2) return `×${factor.toFixed(factor < 10 ? 1 : 0)}`;
    return `${signed((factor - 1) * 100, 0)}\u202f%`;
  }
  if (metric === 'SUCCESS_RATIO') return `${signed(change * 100, 1)}\u202fpts`;
  return signed(change, metric === 'QUALITY' ? 3 : 2);
}

export interface HeatMap {
  rows: readonly string[];
  tasks: readonly string[];
  cells: ReadonlyMap<string, Cell>;
}

export const cellKey = (row: string, task: string): string => JSON.stringify([row, task]);

/** Rows and columns with the most calls first. */
export function heatMap(
  metric: MetricName,
  dimension: Dimension,
  series: readonly MetricSeries[],
  bands: readonly BaselineBand[],
): HeatMap {
  const usual = new Map(
    bands.map(({ key, points }) => [cellKey(key[dimension] ?? '', key.task_type ?? ''), usualOf(points)]),
  );
  const cells = new Map<string, Cell>();
  const calls = { rows: new Map<string, number>(), tasks: new Map<string, number>() };
  const add = (counts: Map<string, number>, name: string, count: number): void =>
    void counts.set(name, (counts.get(name) ?? 0) + count);
  for (const { key, windows } of series) {
    const window = windows.at(-1);
    if (!window) continue;
    const [row, task] = [key[dimension] ?? '', key.task_type ?? ''];
    const id = cellKey(row, task);
    cells.set(id, cellOf(metric, window, usual.get(id) ?? null));
    add(calls.rows, row, window.call_count);
    add(calls.tasks, task, window.call_count);
  }
  const byCalls = (counts: Map<string, number>): string[] =>
    [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name);
  return { rows: byCalls(calls.rows), tasks: byCalls(calls.tasks), cells };
}
