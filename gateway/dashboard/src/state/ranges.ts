// The ranges of time that the page offers, and how finely each is drawn.

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** What a window is called where its length has a name. */
export const STEP_NAMES: Readonly<Record<number, string>> = {
  [MINUTE_S]: 'minute',
  [HOUR_S]: 'hour',
  [DAY_S]: 'day',
  [7 * DAY_S]: 'week',
};

export interface Trailing {
  kind: 'trailing';
  name: string;
  label: string;
  range_s: number;
  /** Length of a window in the charts. */
  step_s: number;
  /** Length of a window in the table's sparklines, which are small. */
  spark_step_s: number;
}

export interface Fixed {
  kind: 'fixed';
  startMs: number;
  endMs: number;
}

export type Range = Trailing | Fixed;

function trailing(name: string, label: string, range_s: number, step_s: number, spark_step_s: number): Trailing {
  return { kind: 'trailing', name, label, range_s, step_s, spark_step_s };
}

export const DEFAULT_RANGE = trailing('1h', 'last hour', HOUR_S, MINUTE_S, 2 * MINUTE_S);

export const TRAILING: readonly Trailing[] = [
  trailing('15m', 'last 15 minutes', 15 * MINUTE_S, MINUTE_S, MINUTE_S),
  DEFAULT_RANGE,
  trailing('6h', 'last 6 hours', 6 * HOUR_S, 5 * MINUTE_S, 15 * MINUTE_S),
  trailing('24h', 'last 24 hours', DAY_S, 15 * MINUTE_S, HOUR_S),
  trailing('7d', 'last 7 days', 7 * DAY_S, 2 * HOUR_S, 6 * HOUR_S),
  trailing('30d', 'last 30 days', 30 * DAY_S, 6 * HOUR_S, DAY_S),
];

// The lengths of windows that the collector knows and that a clock would have: divisors of a day, a day, a week.
const STEPS_S = [
  ...[1, 2, 5, 15, 30].map((minutes) => minutes * MINUTE_S),
  ...[1, 2, 6, 12].map((hours) => hours * HOUR_S),
  ...[1, 7].map((days) => days * DAY_S),
];
const LONGEST_STEP_S = 7 * DAY_S;
const CHART_WINDOWS_MOST = 120;
const SPARK_WINDOWS_MOST = 32;

// Minutes are kept for two weeks, quarters of an hour for longer. A day less, since they expire while one looks at them.
const MINUTES_KEPT_MS = 13 * DAY_S * 1_000;
const QUARTER_S = 15 * MINUTE_S;
/** A range of less could miss every window that is kept. */
export const SHORTEST_FIXED_MS = QUARTER_S * 1_000;

function stepFor(range_s: number, least_s: number, windowsMost: number): number {
  return STEPS_S.find((step_s) => step_s >= least_s && range_s / step_s <= windowsMost) ?? LONGEST_STEP_S;
}

/** Steps of the charts and of the sparklines, in seconds. */
export function stepsOf(range: Range, nowMs = Date.now()): { step_s: number; spark_step_s: number } {
  if (range.kind === 'trailing') return range;
  const range_s = (range.endMs - range.startMs) / 1_000;
  const least_s = nowMs - range.startMs > MINUTES_KEPT_MS ? QUARTER_S : MINUTE_S;
  return {
    step_s: stepFor(range_s, least_s, CHART_WINDOWS_MOST),
    spark_step_s: stepFor(range_s, least_s, SPARK_WINDOWS_MOST),
  };
}
