import { describe, expect, it } from 'vitest';
import { linearScale, logScale } from './scale';

const rounded = (values: readonly number[]): number[] => values.map((value) => Number(value.toPrecision(6)));

describe('a linear scale', () => {
  it.each([
    [
      [0.71, 0.94],
      [0.7, 0.75, 0.8, 0.85, 0.9, 0.95],
    ],
    [
      [-0.031, 0.012],
      [-0.04, -0.03, -0.02, -0.01, 0, 0.01, 0.02],
    ],
    [
      [3, 47],
      [0, 10, 20, 30, 40, 50],
    ],
  ])('of %j has round ticks around it', (values, ticks) => {
    const scale = linearScale(values, 5);
    expect(rounded(scale.ticks)).toEqual(ticks);
    expect(scale.at(ticks[0]!)).toBeCloseTo(0);
    expect(scale.at(ticks.at(-1)!)).toBeCloseTo(1);
  });

  it('stays within what values can be', () => {
    const scale = linearScale([0.93, 0.998], 4, [0, 1]);
    expect(scale.at(1)).toBeCloseTo(1);
    expect(Math.max(...scale.ticks)).toBeLessThanOrEqual(1 + 1e-9);
  });

  it('of one value still is one', () => expect(Number.isFinite(linearScale([0.5], 4).at(0.5))).toBe(true));
});

describe('a logarithmic scale', () => {
  it('has ticks at 1, 2 and 5', () =>
    expect(rounded(logScale([0.0013, 0.04], 9).ticks)).toEqual([0.001, 0.002, 0.005, 0.01, 0.02, 0.05]));
  it('puts the same ratio at the same distance', () => {
    const scale = logScale([1, 100], 5);
    expect(scale.at(10)).toBeCloseTo(0.5);
  });
  it('has no more ticks than asked for', () => expect(logScale([1e-4, 1e4], 6).ticks.length).toBeLessThanOrEqual(6));
  it.each([[[1]], [[0.003]], [[5, 5]]])('of %j still is one', (values) => {
    const scale = logScale(values, 5);
    expect(scale.at(values[0]!)).toBeGreaterThanOrEqual(-1e-9);
    expect(scale.at(values[0]!)).toBeLessThan(1);
  });
});
