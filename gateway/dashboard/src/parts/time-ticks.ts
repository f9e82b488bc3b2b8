// Where a time axis has its ticks: at midnights of the zone, or at round hours of it where it spans few days.
import { dayMonth, fromLocalInput, hourMinute, toLocalInput } from '../format/time';

export interface TimeTick {
  ms: number;
  words: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEPS_MS = [
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14, 28].map((days) => days * DAY_MS),
];

/** At most `count` ticks between two instants. */
export function timeTicks(startMs: number, endMs: number, zone: string, count: number): TimeTick[] {
  const step = STEPS_MS.find((one) => (endMs - startMs) / one <= count) ?? STEPS_MS.at(-1)! * 13;
  const midnight = fromLocalInput(`${toLocalInput(startMs, zone).slice(0, 10)}T00:00`, zone);
  const ticks: TimeTick[] = [];
  for (let ms = midnight; ms <= endMs; ms += step) {
    // Across a change of the clocks the wall clock is what stays round.
    const at = step >= DAY_MS ? fromLocalInput(`${toLocalInput(ms + DAY_MS / 8, zone).slice(0, 10)}T00:00`, zone) : ms;
    if (at < startMs || at > endMs) continue;
    const isDay = step >= DAY_MS || toLocalInput(at, zone).endsWith('T00:00');
    ticks.push({ ms: at, words: isDay ? dayMonth(at, zone) : hourMinute(at, zone) });
  }
  return ticks;
}
