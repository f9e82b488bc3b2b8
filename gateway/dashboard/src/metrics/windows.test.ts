import { describe, expect, it } from 'vitest';
import type { MetricWindow, SeriesKey } from '../api/model';
import { emptyWindow } from './fixtures';
import { LiveAnswer, slots } from './windows';

const MINUTE = 60_000;
const at = (minute: number): string => new Date(minute * MINUTE).toISOString();
const windowAt = (minute: number, callCount: number): MetricWindow => ({
  ...emptyWindow,
  start: at(minute),
  end: at(minute + 1),
  call_count: callCount,
});
const series = (key: SeriesKey, ...windows: MetricWindow[]) => ({ key, windows });
const counts = (answer: LiveAnswer) =>
  Object.fromEntries(answer.series.map((one) => [one.key.provider, one.windows.map((window) => window.call_count)]));

describe('a live answer', () => {
  it('replaces windows by key and start and keeps them in order', () => {
    const answer = new LiveAnswer('steps');
    answer.apply({ is_snapshot: true, series: [series({ provider: 'a' }, windowAt(1, 5), windowAt(3, 7))] });
    answer.apply({
      is_snapshot: false,
      series: [series({ provider: 'a' }, windowAt(3, 8), windowAt(2, 1)), series({ provider: 'b' }, windowAt(3, 2))],
    });
    expect(counts(answer)).toEqual({ a: [5, 1, 8], b: [2] });
  });

  it('comes out the same when an event is delivered twice', () => {
    const answer = new LiveAnswer('steps');
    const event = { is_snapshot: false, series: [series({ provider: 'a' }, windowAt(1, 5))] };
    answer.apply(event);
    answer.apply(event);
    expect(counts(answer)).toEqual({ a: [5] });
  });

  it('forgets everything at a snapshot', () => {
    const answer = new LiveAnswer('steps');
    answer.apply({ is_snapshot: true, series: [series({ provider: 'a' }, windowAt(1, 5))] });
    answer.apply({ is_snapshot: true, series: [series({ provider: 'b' }, windowAt(1, 6))] });
    expect(counts(answer)).toEqual({ b: [6] });
  });

  it('has one window a group where the window is the range, wherever that begins', () => {
    const answer = new LiveAnswer('whole-range');
    answer.apply({ is_snapshot: true, series: [series({ provider: 'a' }, windowAt(1, 5))] });
    answer.apply({ is_snapshot: false, series: [series({ provider: 'a' }, windowAt(2, 6))] });
    expect(counts(answer)).toEqual({ a: [6] });
  });

  it('drops what has left the range and leaves the rest untouched', () => {
    const answer = new LiveAnswer('steps');
    answer.apply({
      is_snapshot: true,
      series: [series({ provider: 'a' }, windowAt(1, 5)), series({ provider: 'b' }, windowAt(1, 1), windowAt(2, 2))],
    });
    answer.apply({ is_snapshot: false, series: [series({ provider: 'c' }, windowAt(2, 9))] });
    const untouched = answer.series.at(-1);
    answer.dropUntil(2 * MINUTE);
    expect(counts(answer)).toEqual({ b: [2], c: [9] });
    expect(answer.series.at(-1)).toBe(untouched);
  });
});

describe('slots', () => {
  const minutes = (all: ReturnType<typeof slots>) =>
    all.map((slot) => [slot.startMs / MINUTE, slot.window?.call_count ?? 0]);

  it('fills gaps before, between and after', () => {
    const all = slots([windowAt(2, 5), windowAt(4, 6)], 1 * MINUTE, 6 * MINUTE, MINUTE);
    expect(minutes(all)).toEqual([
      [1, 0],
      [2, 5],
      [3, 0],
      [4, 6],
      [5, 0],
    ]);
  });

  it('begins with the step that contains the start, counted back from the first window', () => {
    const quarter = { ...windowAt(30, 5), end: at(45) };
    const all = slots([quarter], 10 * MINUTE, 50 * MINUTE, 15 * MINUTE);
    expect(minutes(all)).toEqual([
      [0, 0],
      [15, 0],
      [30, 5],
      [45, 0],
    ]);
  });

  it('ends with a whole step, as wide as the others', () => {
    const all = slots([windowAt(1, 5)], MINUTE, 2.1 * MINUTE, MINUTE);
    expect(all.at(-1)).toEqual({ startMs: 2 * MINUTE, endMs: 3 * MINUTE, window: undefined });
  });

  it('covers a range without any calls', () => {
    expect(slots([], 0, 3 * MINUTE, MINUTE).map((slot) => slot.window)).toEqual([undefined, undefined, undefined]);
  });

  it('keeps a day of 23 hours as it is', () => {
    const day = { ...windowAt(0, 5), end: at(23 * 60) };
    const next = { ...windowAt(23 * 60, 6), end: at(47 * 60) };
    expect(slots([day, next], 0, 47 * 60 * MINUTE, 24 * 60 * MINUTE)).toHaveLength(2);
  });
});
