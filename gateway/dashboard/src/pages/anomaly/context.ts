// How much of the time around an episode is shown: enough of what was before to see what changed.
import type { Anomaly } from '../../api/model';
import type { Fixed } from '../../state/ranges';

const HOUR_MS = 3_600_000;
const BEFORE_LEAST_MS = 3 * HOUR_MS;
const BEFORE_MOST_MS = 7 * 24 * HOUR_MS;
const AFTER_LEAST_MS = HOUR_MS / 2;
const QUARTER_MS = HOUR_MS / 4;

/** Three times as long before as the episode lasts, and half as long after it; never later than `nowMs`. On whole quarters of an hour. */
export function contextOf({ start_time, end_time }: Pick<Anomaly, 'start_time' | 'end_time'>, nowMs: number): Fixed {
  const start = Date.parse(start_time);
  const end = end_time === null ? Math.max(start, nowMs) : Date.parse(end_time);
  const long = Math.max(0, end - start);
  const before = Math.min(BEFORE_MOST_MS, Math.max(BEFORE_LEAST_MS, 3 * long));
  const after = Math.max(AFTER_LEAST_MS, long / 2);
  const startMs = Math.floor((start - before) / QUARTER_MS) * QUARTER_MS;
  const endMs = Math.min(
    Math.ceil((end + after) / QUARTER_MS) * QUARTER_MS,
    Math.max(nowMs, startMs + BEFORE_LEAST_MS),
  );
  return { kind: 'fixed', startMs, endMs };
}
