import { describe, expect, it } from 'vitest';
import type { BaselinePoint } from '../api/model';
import { bandOf, isKnown } from './band';
import type { Slot } from './windows';

const MINUTE = 60_000;
const slot = (minute: number): Slot => ({ startMs: minute * MINUTE, endMs: (minute + 1) * MINUTE, window: undefined });
const point = (minute: number, centre: number | null): BaselinePoint => ({
  start: new Date(minute * MINUTE).toISOString(),
  centre,
  low: centre && centre - 1,
  high: centre && centre + 1,
});

describe('what was usual', () => {
  it('is the latest that is known in the middle of each slot', () =>
    expect(bandOf([point(1, 5), point(2, 7)], [slot(0), slot(1), slot(2), slot(3)]).centre).toEqual([null, 5, 7, 7]));

  it('is a gap where nothing was known', () =>
    expect(bandOf([point(0, 5), point(1, null)], [slot(0), slot(1)])).toEqual({
      low: [4, null],
      centre: [5, null],
      high: [6, null],
    }));

  it('is scaled where slots count what is an hourly rate', () =>
    expect(bandOf([point(0, 60)], [slot(0)], 1 / 60).centre).toEqual([1]));

  it.each([
    [[], false],
    [[point(0, null)], false],
    [[point(0, 5)], true],
  ])('%j is known: %s', (points, expected) => expect(isKnown(bandOf(points, [slot(0)]))).toBe(expected));
});
