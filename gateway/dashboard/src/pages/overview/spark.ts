// Which stretch of time the sparklines cover: all rows the same, moving only when a window is over.
import { slots } from '../../metrics/windows';
import type { MetricWindow } from '../../api/model';
import { stepsOf, type Range } from '../../state/ranges';

export interface SparkRange {
  startMs: number;
  endMs: number;
  stepMs: number;
}

export function sparkRange(range: Range, asOfMs: number): SparkRange {
  const stepMs = stepsOf(range).spark_step_s * 1_000;
  if (range.kind === 'fixed') return { startMs: range.startMs, endMs: range.endMs, stepMs };
  const endMs = Math.ceil(asOfMs / stepMs) * stepMs;
  return { startMs: endMs - range.range_s * 1_000, endMs, stepMs };
}

/** Calls by step, oldest first. */
export function sparkCounts(windows: readonly MetricWindow[], { startMs, endMs, stepMs }: SparkRange): number[] {
  return slots(windows, startMs, endMs, stepMs).map((slot) => slot.window?.call_count ?? 0);
}
