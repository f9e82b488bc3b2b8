import { describe, expect, it } from 'vitest';
import { placeLabels } from './labels';

const space = { radius: 10, left: 0, right: 400 };
const place = (...points: { x: number; y: number; words: string }[]) => placeLabels(points, points, space);

describe('names of points', () => {
  it('stand to the right where there is room', () =>
    expect(place({ x: 100, y: 100, words: 'swift' })[0]).toMatchObject({ anchor: 'start', words: 'swift' }));
  it('stand to the left at the right end', () =>
    expect(place({ x: 390, y: 100, words: 'swift' })[0]?.anchor).toBe('end'));
  it('give way to another point', () =>
    expect(
      placeLabels(
        [{ x: 100, y: 100, words: 'swift' }],
        [
          { x: 100, y: 100 },
          { x: 125, y: 95 },
        ],
        space,
      )[0]?.anchor,
    ).toBe('end'));
  it('are left out where there is no room', () =>
    expect(
      place(...Array.from({ length: 9 }, () => ({ x: 200, y: 100, words: 'the same place' }))).filter(Boolean).length,
    ).toBeLessThan(5));
  it('are cut where they are too long', () =>
    expect(place({ x: 20, y: 100, words: 'x'.repeat(99) })[0]?.words).toHaveLength(28));
});
