import { describe, expect, it } from 'vitest';
import { clockOf, minuteOf, NEW_SCHEDULE, reportIdFor, timingWords } from './reports';

describe('times of the day', () => {
  it.each([
    ['00:00', 0],
    ['08:05', 485],
    ['23:59', 1_439],
  ])('%s is minute %i', (clock, minute) => {
    expect(minuteOf(clock)).toBe(minute);
    expect(clockOf(minute)).toBe(clock);
  });
  it.each(['', '24:00', '8', '08:60', 'noon'])('%j is none', (clock) => expect(minuteOf(clock)).toBeNaN());
});

describe('a schedule in words', () => {
  const timing = { period: 'WEEKLY', cron: null, time_zone: 'Europe/Berlin' } as const;
  it.each([
    [{ weekday: 1, minute_of_day: 480 }, 'every Monday at 08:00, Europe/Berlin'],
    [{ minute_of_day: 0 }, 'every day at 00:00, Europe/Berlin'],
  ])('says %j', (local, words) => expect(timingWords({ ...timing, local_time: local })).toBe(words));
  it('says its cron, and whose time it is', () =>
    expect(timingWords({ ...timing, cron: '0 8 * * 1', local_time: null, time_zone: '' })).toBe(
      "by cron 0 8 * * 1, the project's time",
    ));
  it('begins on Monday morning', () => expect(timingWords(NEW_SCHEDULE as never)).toContain('every Monday at 08:00'));
});

describe('an id of a report', () => {
  it('says what it is of and is another one each time', () => {
    const now = Date.parse('2026-11-22T10:00:00Z');
    expect(reportIdFor('DAILY', now)).toMatch(/^daily-2026-11-22-[0-9a-z]+$/);
    expect(reportIdFor('DAILY', now)).not.toBe(reportIdFor('DAILY', now + 1));
  });
});
