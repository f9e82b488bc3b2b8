// The windows of all calls that the filters keep, taken together, and kept up to date while the range ends now.
import { signal } from '@preact/signals';
import { getMetrics } from '../api/client';
import type { Filters, LiveMetrics, MetricWindow } from '../api/model';
import { LiveAnswer } from '../metrics/windows';
import { connect, connectBare } from './connection';
import { stepsOf, type Range } from './ranges';

export interface Series {
  isLoading: boolean;
  /** Why the numbers could not be had, if so. */
  error: string;
  asOfMs: number;
  windows: readonly MetricWindow[];
}

export interface SeriesQuery {
  project: string;
  range: Range;
  timeZone: string;
  filters: Filters;
}

const NOTHING: Series = { isLoading: true, error: '', asOfMs: 0, windows: [] };

export const series = signal<Series>(NOTHING);

/** Keeps the signal fed until the returned function is called. */
export function watchSeries({ project, range, timeZone, filters }: SeriesQuery): () => void {
  series.value = NOTHING;
  const { step_s } = stepsOf(range);
  const answer = new LiveAnswer('steps');
  const take = (event: Pick<LiveMetrics, 'is_snapshot' | 'series'>, asOfMs: number): void => {
    answer.apply(event);
    if (range.kind === 'trailing') answer.dropUntil(asOfMs - range.range_s * 1_000);
    series.value = { isLoading: false, error: '', asOfMs, windows: answer.series[0]?.windows ?? [] };
  };
  const common = { project, time_zone: timeZone, group_by: [], filters, step_s };
  if (range.kind === 'trailing') {
    return connect(
      { ...common, range_s: range.range_s },
      {
        metrics: (event) => take(event, event.as_of ? Date.parse(event.as_of) : Date.now()),
        totals: () => undefined,
      },
    );
  }
  const aborter = new AbortController();
  const disconnect = connectBare(project, timeZone);
  const time = { start: new Date(range.startMs).toISOString(), end: new Date(range.endMs).toISOString() };
  getMetrics({ ...common, ...time }, aborter.signal).then(
    (metrics) =>
      take({ is_snapshot: true, series: metrics.series }, metrics.as_of ? Date.parse(metrics.as_of) : range.endMs),
    (error: unknown) => {
      if (aborter.signal.aborted) return;
      series.value = {
        ...series.value,
        isLoading: false,
        error: error instanceof Error ? error.message : String(error),
      };
    },
  );
  return () => {
    aborter.abort();
    disconnect();
  };
}
