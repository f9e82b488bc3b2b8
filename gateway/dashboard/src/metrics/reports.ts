// Reports and their schedules in words, and what a form of them holds.
import type { Recommendation, ReportPeriod, ReportSchedule, ReportScheduleBody, ScheduleRun } from '../api/model';

export const PERIODS: Readonly<Record<ReportPeriod, string>> = { DAILY: 'Daily', WEEKLY: 'Weekly' };
export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export const RUN_STATES: Readonly<Record<ScheduleRun['state'], string>> = {
  WAITING: 'waiting',
  DONE: 'done',
  FAILED: 'failed',
  SKIPPED: 'skipped',
};

export const RECOMMENDATION_STATES: Readonly<Record<Recommendation['state'], string>> = {
  OPEN: 'Open',
  ACCEPTED: 'Accepted',
  REJECTED: 'Rejected',
  DONE: 'Done',
};

/** 08:05 of 485. */
export function clockOf(minuteOfDay: number): string {
  const part = (value: number): string => String(value).padStart(2, '0');
  return `${part(Math.floor(minuteOfDay / 60))}:${part(minuteOfDay % 60)}`;
}

/** 485 of 08:05; NaN of what is no time. */
export function minuteOf(clock: string): number {
  const found = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(clock);
  return found ? Number(found[1]) * 60 + Number(found[2]) : NaN;
}

type Timing = Pick<ReportSchedule, 'period' | 'cron' | 'local_time' | 'time_zone'>;

/** When it runs: "every Monday at 08:00, Europe/Berlin". */
export function timingWords({ cron, local_time: local, time_zone: zone }: Timing): string {
  const at = zone || "the project's time";
  if (!local) return `by cron ${cron ?? ''}, ${at}`;
  const day = local.weekday ? `every ${WEEKDAYS[local.weekday - 1] ?? 'week'}` : 'every day';
  return `${day} at ${clockOf(local.minute_of_day ?? 0)}, ${at}`;
}

export const MONDAY_MORNING = { weekday: 1, minute_of_day: 480 };

/** What a new schedule begins as: last week's report on Monday morning. */
export const NEW_SCHEDULE: ReportScheduleBody = {
  schedule_id: '',
  display_name: '',
  period: 'WEEKLY',
  cron: null,
  local_time: MONDAY_MORNING,
  time_zone: '',
  receiver_ids: [],
  is_paused: false,
};

/** The part of a schedule that one may change. */
export function scheduleBody(schedule: ReportSchedule): ReportScheduleBody {
  const { schedule_id, display_name, period, cron, local_time, time_zone, receiver_ids, is_paused } = schedule;
  return { schedule_id, display_name, period, cron, local_time, time_zone, receiver_ids, is_paused };
}

/** An id that nobody has chosen yet: what it is of, and when it was asked for. */
export function reportIdFor(period: string, nowMs: number): string {
  return `${period.toLowerCase()}-${new Date(nowMs).toISOString().slice(0, 10)}-${nowMs.toString(36)}`;
}
