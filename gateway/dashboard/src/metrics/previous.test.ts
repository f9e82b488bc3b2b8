import { describe, expect, it } from 'vitest';
import type { MetricWindow } from '../api/model';
import { emptyWindow } from './fixtures';
import { changeText, earlier, shiftMs } from './previous';

const MINUTE = 60_000;
const at = (ms: number): MetricWindow => ({
  ...emptyWindow,
  start: new Date(ms).toISOString(),
  end: new Date(ms + MINUTE).toISOString(),
});

describe('the range before', () => {
  it.each([
    [0, 60 * MINUTE, MINUTE, 60 * MINUTE],
    [0, 90_000, MINUTE, 2 * MINUTE],
    [5, 5, MINUTE, MINUTE],
  ])('from %i to %i in steps of %i ms lies %i ms back', (start, end, step, expected) =>
    expect(shiftMs(start, end, step)).toBe(expected),
  );

  it('has each window in the slot that is as far into the range', () => {
    const slots = [10, 11, 12].map((minute) => ({
      startMs: minute * MINUTE,
      endMs: (minute + 1) * MINUTE,
      window: undefined,
    }));
    const windows = [at(0), at(7 * MINUTE), at(9 * MINUTE + 20_000)];
    const found = earlier(slots, windows, 3 * MINUTE).map(({ startMs, window }) => [startMs / MINUTE, window?.start]);
    expect(found).toEqual([
      [10, windows[1]!.start],
      [11, undefined],
      [12, windows[2]!.start],
    ]);
  });

  it.each([
    [120, 100, 'factor', '+20\u202f%'],
    [80, 100, 'factor', '−20\u202f%'],
    [500, 100, 'factor', '×5.0'],
    [1, 0, 'factor', ''],
    [0.95, 0.9, 'points', '+5.0\u202fpts'],
    [0.75, 0.8, 'score', '−0.050'],
    [null, 0.8, 'score', ''],
    [1, undefined, 'factor', ''],
  ] as const)('%s after %s by %s is %j', (now, before, comparison, words) =>
    expect(changeText(now, before, comparison)).toBe(words),
  );
});
