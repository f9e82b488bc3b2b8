import { describe, expect, it } from 'vitest';
import type { PromptEffect, PromptPoint } from '../api/model';
import { baselineFacet, baselineOf, differenceWords, furtherWords, PROMPT_METRICS, sequenceExtent } from './prompts';

const effect = (part: Partial<PromptEffect>): PromptEffect =>
  ({ verdict: 'UNDECIDED', further_call_count: null, ...part }) as PromptEffect;

describe('differences', () => {
  it.each([
    ['SUCCESS', -0.021, '−2.1\u202fpts'],
    ['QUALITY', 0.0304, '+0.030'],
    ['LATENCY', Math.log(1.5), '+50\u202f%'],
    ['COST', -0.052, '−5.2\u202f%'],
    ['REVISIONS', 0.1, '+0.10'],
  ] as const)('of %s by %f are said as %s', (metric, value, words) =>
    expect(PROMPT_METRICS[metric].difference(value)).toBe(words),
  );

  it.each([
    [null, null, 'nothing known yet'],
    [null, 0.1, 'at most +10.0\u202fpts'],
    [-0.1, null, 'at least −10.0\u202fpts'],
    [-0.1, 0.1, '−10.0\u202fpts to +10.0\u202fpts'],
  ])('between %s and %s are %s', (low, high, words) => expect(differenceWords('SUCCESS', { low, high })).toBe(words));
});

describe('a baseline in the address', () => {
  it.each(['v2', '', '=v2'])('is found again: "%s"', (version) =>
    expect(baselineOf(baselineFacet(version))).toBe(version),
  );
  it('is none where the address says nothing', () => expect(baselineOf(undefined)).toBeNull());
});

describe('how far it is to a verdict', () => {
  it.each([
    [{ verdict: 'BETTER', further_call_count: null }, ''],
    [{ further_call_count: null }, 'no verdict in sight'],
    [{ further_call_count: 1_200.3 }, 'about 1,201 more calls'],
  ] as [Partial<PromptEffect>, string][])('%j: %s', (part, words) => expect(furtherWords(effect(part))).toBe(words));
});

describe('the axis of a sequence', () => {
  const point = (low: number | null, high: number | null): PromptPoint => ({ time: '', difference: 0, low, high });
  it('holds the later intervals and not the first', () => {
    const points = [point(null, null), point(-9, 9), ...Array.from({ length: 9 }, () => point(-0.1, 0.3))];
    const { low, high } = sequenceExtent(points, 0.02);
    expect(low).toBeCloseTo(-0.148);
    expect(high).toBeCloseTo(0.348);
  });
  it('holds the margin where nothing is known', () => expect(sequenceExtent([], 0.02).high).toBeGreaterThan(0.02));
});
