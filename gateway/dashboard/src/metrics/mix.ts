// What calls came to and how their latency is spread, window by window, as lines of a chart.
import type { CallOutcome, MetricWindow } from '../api/model';
import type { Line } from '../parts/TimeChart';
import { OUTCOME_WORDS } from './calls';
import { settledValues, type Slot } from './windows';

const UNSUCCESSFUL: readonly (readonly [CallOutcome, colour: string, mark: Line['mark']])[] = [
  ['FAILED', '--data-orange', 'bars'],
  ['TIMED_OUT', '--data-violet', 'hatched-bars'],
  ['RATE_LIMITED', '--data-blue', 'bars'],
  ['REFUSED', '--data-green', 'hatched-bars'],
  ['CANCELLED', '--data-grey', 'bars'],
];

/** Bars that stand on each other, the upper ones first, since each is drawn from the ground and covered by those below. */
export function unsuccessfulLines(slots: readonly Slot[]): Line[] {
  const below = slots.map(() => 0);
  const lines = UNSUCCESSFUL.map(([outcome, colour, mark]) => {
    const values = slots.map((slot) => slot.window?.outcome_counts[outcome] ?? 0);
    const drawn = values.map((value, index) => {
      below[index]! += value;
      return value > 0 ? below[index]! : null;
    });
    return { label: OUTCOME_WORDS[outcome].toLowerCase(), colour, mark, values, drawn };
  });
  return lines.reverse();
}

const PERCENTILES = [
  ['p99', '--data-orange', 'dashed'],
  ['p95', '--data-violet', 'dashed'],
  ['p90', '--data-green', 'solid'],
  ['p50', '--data-blue', 'solid'],
] as const;

/** The spread of the latency of calls that succeeded. */
export function percentileLines(slots: readonly Slot[], asOfMs: number): Line[] {
  return PERCENTILES.map(([name, colour, mark]) => {
    const of = (window: MetricWindow): number | null | undefined => window.latency_s?.[name];
    return { label: name, colour, mark, values: settledValues(slots, asOfMs, of) };
  });
}
