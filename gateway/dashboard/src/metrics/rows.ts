// The rows of the provider × task table: joined, searched and sorted.
import type { MetricSeries, MetricWindow } from '../api/model';
import type { Sort } from '../state/view';
import { keyId } from './windows';

export interface Row {
  id: string;
  provider: string;
  taskType: string;
  /** The whole range. */
  window: MetricWindow;
  /** The range in small steps, for the sparkline. */
  activity: readonly MetricWindow[];
}

/** The columns that can be sorted by; null sorts last either way. */
export const SORT_VALUES = {
  provider: (row: Row) => row.provider,
  task: (row: Row) => row.taskType,
  calls: (row: Row) => row.window.call_count,
  success: (row: Row) => row.window.success_ratio,
  p50: (row: Row) => row.window.latency_s?.p50 ?? null,
  p95: (row: Row) => row.window.latency_s?.p95 ?? null,
  'first-token': (row: Row) => row.window.time_to_first_token_s?.p50 ?? null,
  'tokens-in': (row: Row) => row.window.input_token_count,
  'tokens-out': (row: Row) => row.window.output_token_count,
  cost: (row: Row) => row.window.cost_usd,
  'cost-per-accepted': (row: Row) => row.window.cost_per_accepted_task_usd,
  quality: (row: Row) => row.window.quality_ratio,
} satisfies Record<string, (row: Row) => string | number | null>;

export type SortColumn = keyof typeof SORT_VALUES;

/** One row for each provider and task that has calls in the range. */
export function rowsOf(series: readonly MetricSeries[], activity: readonly MetricSeries[]): Row[] {
  const activityById = new Map(activity.map((one) => [keyId(one.key), one.windows]));
  return series.flatMap(({ key, windows }) => {
    const window = windows.at(-1);
    if (!window) return [];
    const id = keyId(key);
    return [
      { id, provider: key.provider ?? '', taskType: key.task_type ?? '', window, activity: activityById.get(id) ?? [] },
    ];
  });
}

/** The rows that contain every word of the search, in any case. */
export function searched(rows: readonly Row[], search: string): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const haystack = `${row.provider} ${row.taskType}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

/** The rows by a column; equal ones by provider and task, so that nothing jumps about. */
export function sorted(rows: readonly Row[], sort: Sort): Row[] {
  const valueOf = SORT_VALUES[Object.hasOwn(SORT_VALUES, sort.column) ? (sort.column as SortColumn) : 'calls'];
  const sign = sort.isDescending ? -1 : 1;
  const byName = (a: Row, b: Row): number => compared(a.provider, b.provider) || compared(a.taskType, b.taskType);
  return [...rows].sort((a, b) => {
    const left = valueOf(a);
    const right = valueOf(b);
    if (left === null || right === null) return Number(left === null) - Number(right === null) || byName(a, b);
    return sign * compared(left, right) || byName(a, b);
  });
}

function compared(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
