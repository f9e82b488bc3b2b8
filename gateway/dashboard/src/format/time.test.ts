import { describe, expect, it } from 'vitest';
import { clock, day, fromLocalInput, instant, toLocalInput } from './time';

const NOON = Date.UTC(2026, 3, 11, 12, 5, 9);

describe('instants are written in the zone that was chosen', () => {
  it.each([
    ['UTC', '12:05:09', '11 Apr 2026', '11 Apr 2026, 12:05'],
    ['Asia/Kolkata', '17:35:09', '11 Apr 2026', '11 Apr 2026, 17:35'],
    ['Pacific/Kiritimati', '02:05:09', '12 Apr 2026', '12 Apr 2026, 02:05'],
  ])('%s', (zone, time, date, both) => {
    expect([clock(NOON, zone), day(NOON, zone), instant(NOON, zone)]).toEqual([time, date, both]);
  });

  it.each(['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/New_York'])(
    'reads back what it wrote in %s',
    (zone) => {
      // Every six hours of a year, changes of the clock included; the hour that comes twice is read as its first coming.
      for (let ms = Date.UTC(2026, 0, 1, 0, 30); ms < Date.UTC(2027, 0, 1); ms += 6 * 3_600_000) {
        const local = toLocalInput(ms, zone);
        expect(toLocalInput(fromLocalInput(local, zone), zone)).toBe(local);
      }
    },
  );

  it('says when it is no date', () => expect(fromLocalInput('yesterday', 'UTC')).toBeNaN());
});
