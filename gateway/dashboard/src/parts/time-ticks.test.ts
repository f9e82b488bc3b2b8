import { describe, expect, it } from 'vitest';
import { timeTicks } from './time-ticks';

const ticks = (start: string, end: string, count: number) =>
  timeTicks(Date.parse(start), Date.parse(end), 'Europe/Berlin', count).map(({ words }) => words);

describe('ticks of a time axis', () => {
  it('are days over a week', () =>
    expect(ticks('2026-11-16T10:00:00Z', '2026-11-20T10:00:00Z', 6)).toEqual(['17 Nov', '18 Nov', '19 Nov', '20 Nov']));
  it('stay at midnight when the clocks change', () =>
    expect(ticks('2026-10-24T00:00:00Z', '2026-10-28T00:00:00Z', 6)).toEqual(['25 Oct', '26 Oct', '27 Oct', '28 Oct']));
  it('are hours within a day, and the day where it begins', () =>
    expect(ticks('2026-11-16T19:30:00Z', '2026-11-17T02:00:00Z', 4)).toEqual(['22:00', '17 Nov', '02:00']));
  it('are few over years', () =>
    expect(ticks('2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 6).length).toBeLessThanOrEqual(8));
});
