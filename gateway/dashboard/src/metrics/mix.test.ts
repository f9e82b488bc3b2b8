import { describe, expect, it } from 'vitest';
import { emptyWindow } from './fixtures';
import { percentileLines, unsuccessfulLines } from './mix';
import type { Slot } from './windows';

const SLOTS: Slot[] = [
  {
    startMs: 0,
    endMs: 60_000,
    window: {
      ...emptyWindow,
      outcome_counts: { SUCCEEDED: 90, FAILED: 2, REFUSED: 3 },
      latency_s: { p50: 1, p90: 2, p95: 3, p99: 4 },
    },
  },
  { startMs: 60_000, endMs: 120_000, window: undefined },
];

describe('what calls came to', () => {
  it('stands on each other, with its own number read out', () => {
    const lines = unsuccessfulLines(SLOTS);
    expect(lines.map(({ label, values, drawn }) => [label, values[0], drawn?.[0]])).toEqual([
      ['cancelled', 0, null],
      ['refused', 3, 5],
      ['rate limited', 0, null],
      ['timed out', 0, null],
      ['failed', 2, 2],
    ]);
    expect(lines.map(({ drawn }) => drawn?.[1])).toEqual([null, null, null, null, null]);
  });

  it('took as long as its percentiles say, in windows that are over', () => {
    expect(percentileLines(SLOTS, 60_000).map(({ label, values }) => [label, values])).toEqual([
      ['p99', [4, null]],
      ['p95', [3, null]],
      ['p90', [2, null]],
      ['p50', [1, null]],
    ]);
    expect(percentileLines(SLOTS, 59_999)[0]!.values).toEqual([null, null]);
  });
});
