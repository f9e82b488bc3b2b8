import { describe, expect, it } from 'vitest';
import type { QualitySummary } from '../api/model';
import { componentsIn, placeOf, trendOf, worstFirst } from './quality';

const summary = (estimate: number, part: Partial<QualitySummary> = {}): QualitySummary =>
  ({
    key: { provider: 'openai', task_type: 'code_review' },
    start_time: '2026-11-22T10:00:00Z',
    score_count: 9,
    mean_ratio: estimate,
    estimate_ratio: estimate,
    low_ratio: estimate - 0.1,
    high_ratio: estimate + 0.1,
    components: [],
    ...part,
  }) as QualitySummary;

describe('groups', () => {
  it('stand with the lowest estimate first', () =>
    expect(worstFirst([summary(0.9), summary(0.5), summary(0.7)]).map((one) => one.estimate_ratio)).toEqual([
      0.5, 0.7, 0.9,
    ]));
  it('show the components that any of them has, in one order', () =>
    expect(
      componentsIn([
        summary(1, { components: [{ component: 'CODE', mean_ratio: 1, score_count: 1 }] }),
        summary(1, { components: [{ component: 'EVALUATION', mean_ratio: 1, score_count: 1 }] }),
      ]),
    ).toEqual(['EVALUATION', 'CODE']));
});

describe('a trend', () => {
  const start = Date.parse('2026-11-22T09:30:00Z');
  const { slots, means, band } = trendOf([summary(0.8)], start, start + 3 * 3_600_000, 3_600);
  it('has a gap where there are no scores', () => expect(means).toEqual([null, 0.8, null, null]));
  it('has its interval around it', () => expect(band.high[1]).toBeCloseTo(0.9));
  it('begins with the window that the start is in', () =>
    expect(slots[0]?.startMs).toBe(Date.parse('2026-11-22T09:00:00Z')));
});

describe('where something was found', () => {
  it.each([
    [{ path: 'a.py', line: 3 }, 'a.py:3'],
    [{ path: 'a.py', line: null }, 'a.py'],
    [{ path: '', line: null }, ''],
  ])('%j is %j', (finding, words) => expect(placeOf(finding)).toBe(words));
});
