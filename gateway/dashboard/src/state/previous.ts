// The range before the one on the page, for as long as somebody wants to compare.
import { getMetrics } from '../api/client';
import type { MetricWindow } from '../api/model';
import { shiftMs } from '../metrics/previous';
import { nowMs } from './now';
import { stepsOf } from './ranges';
import { useResource } from './resource';
import { project, timeZone } from './session';
import { view } from './view';

const REFRESH_EVERY_MS = 60_000;

export interface Previous {
  /** All calls of the range before; null where there were none. */
  totals: MetricWindow | null;
  windows: readonly MetricWindow[];
  /** How long before. */
  shiftMs: number;
}

export const isComparing = (): boolean => view.value.facets.compare === 'previous';

/** Null while nobody compares, and until it is known. */
export function usePrevious(): Previous | null {
  const { range, filters } = view.value;
  const { step_s } = stepsOf(range);
  const isFixed = range.kind === 'fixed';
  const endMs = isFixed ? range.endMs : Math.floor(nowMs.value / REFRESH_EVERY_MS) * REFRESH_EVERY_MS;
  const startMs = isFixed ? range.startMs : endMs - range.range_s * 1_000;
  const byMs = shiftMs(startMs, endMs, step_s * 1_000);
  const question = JSON.stringify([project.value, timeZone.value, filters, range]);
  const { data } = useResource(
    isComparing() ? question : '',
    async (signal) => {
      const common = { project: project.value, time_zone: timeZone.value, group_by: [], filters };
      const end = new Date(endMs - byMs).toISOString();
      const ask = (fromMs: number, step: { step_s?: number }) =>
        getMetrics({ ...common, ...step, start: new Date(fromMs - byMs).toISOString(), end }, signal);
      // The first slot of a chart may begin a step before the range does.
      const [totals, trend] = await Promise.all([ask(startMs, {}), ask(startMs - step_s * 1_000, { step_s })]);
      return {
        question,
        totals: totals.series[0]?.windows[0] ?? null,
        windows: trend.series[0]?.windows ?? [],
        shiftMs: byMs,
      };
    },
    isFixed ? 0 : endMs,
  );
  return isComparing() && data?.question === question ? data : null;
}
