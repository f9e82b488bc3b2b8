// Times of day in a zone: who is on call when, and when nothing new is told.
import type { MuteTime, Rota } from '../api/model';
import { fromLocalInput, toLocalInput } from '../format/time';

export const MINUTES_PER_DAY = 1_440;
const DAY_MS = MINUTES_PER_DAY * 60_000;
const DEFAULT_SHIFT_DAYS = 7;
const DEFAULT_HAND_OVER_MIN = 9 * 60;

/** Whether there is a time zone of this name; empty is UTC. */
export function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name || 'UTC' }));
  } catch {
    return false;
  }
}

/** Days since 1970 of a date such as 2026-11-23; NaN for what is none. */
export function dayNumber(date: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00Z`) / DAY_MS : NaN;
}

export interface Shift {
  receiver_id: string;
  startMs: number;
  endMs: number;
}

/** Who is on call at `ms`, and who after that: so many shifts. None where the rota is not right yet. */
export function shiftsOf(rota: Rota, ms: number, count: number): Shift[] {
  const first = dayNumber(rota.start_date);
  const { receiver_ids: members } = rota;
  if (Number.isNaN(first) || members.length === 0 || !isZone(rota.time_zone)) return [];
  const zone = rota.time_zone || 'UTC';
  const days = rota.shift_days || DEFAULT_SHIFT_DAYS;
  const handOver = rota.hand_over_min ?? DEFAULT_HAND_OVER_MIN;
  const at = (day: number): number => fromLocalInput(`${dateOf(day)}T${clockOf(handOver)}`, zone);
  const today = dayNumber(toLocalInput(ms, zone).slice(0, 10));
  const day = ms < at(today) ? today - 1 : today;
  const turn = Math.floor((day - first) / days);
  return Array.from({ length: count }, (_, index) => {
    const number = turn + index;
    const start = first + number * days;
    const member = members[((number % members.length) + members.length) % members.length]!;
    return { receiver_id: member, startMs: at(start), endMs: at(start + days) };
  });
}

const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Minutes after midnight as a clock shows them; the end of the day as its beginning. */
export function clockOf(minutes: number): string {
  const hour = Math.floor((minutes % MINUTES_PER_DAY) / 60);
  return `${String(hour).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** Minutes after midnight of what a clock shows; NaN for what none shows. */
export function minutesOf(clock: string): number {
  const [, hour, minute] = /^(\d{2}):(\d{2})/.exec(clock) ?? [];
  return Number(hour) * 60 + Number(minute);
}

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** Mute times in words: Sat, Sun, all day; every day 22:00–06:00. */
export function muteWords({ intervals, time_zone }: MuteTime): string {
  const words = intervals.map(({ weekdays, start_min, end_min }) => {
    const days = weekdays.length === 0 ? 'every day' : weekdays.map((day) => WEEKDAYS[day - 1]).join(', ');
    const isWhole = start_min === 0 && end_min % MINUTES_PER_DAY === 0;
    return isWhole ? `${days}, all day` : `${days} ${clockOf(start_min)}–${clockOf(end_min)}`;
  });
  return `${words.join('; ')} (${time_zone || 'UTC'})`;
}
