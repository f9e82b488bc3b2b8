import { describe, expect, it } from 'vitest';
import { contextOf } from './context';

const NOW = Date.parse('2026-11-22T15:07:00Z');
const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

describe('the time around an episode', () => {
  it.each([
    [
      'one that has just begun: three hours before',
      '2026-11-22T15:00:00Z',
      null,
      '2026-11-22T12:00',
      '2026-11-22T15:07',
    ],
    [
      'one of two hours: six before, one after',
      '2026-11-22T08:00:00Z',
      '2026-11-22T10:00:00Z',
      '2026-11-22T02:00',
      '2026-11-22T11:00',
    ],
    [
      'one that ended just now: not the future',
      '2026-11-22T14:00:00Z',
      '2026-11-22T15:05:00Z',
      '2026-11-22T10:45',
      '2026-11-22T15:07',
    ],
    ['one of a month: a week before', '2026-10-20T00:00:00Z', null, '2026-10-13T00:00', '2026-11-22T15:07'],
  ])('%s', (_, start_time, end_time, from, to) => {
    const { startMs, endMs } = contextOf({ start_time, end_time }, NOW);
    expect([at(startMs), at(endMs)]).toEqual([from, to]);
  });

  it('has a length whatever the clocks say', () => {
    const { startMs, endMs } = contextOf({ start_time: '2026-11-22T23:00:00Z', end_time: null }, NOW);
    expect(endMs).toBeGreaterThan(startMs);
  });
});
