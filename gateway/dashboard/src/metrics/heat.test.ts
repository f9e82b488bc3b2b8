import { describe, expect, it } from 'vitest';
import type { BaselineBand, MetricSeries, MetricWindow } from '../api/model';
import { cellKey, cellOf, changeWords, heatMap, usualOf } from './heat';

const window = (part: Partial<MetricWindow>): MetricWindow =>
  ({
    start: '2026-11-22T10:00:00Z',
    end: '2026-11-22T11:00:00Z',
    call_count: 400,
    task_count: 100,
    quality_count: 100,
    success_ratio: 0.95,
    latency_s: { p50: 2, p90: 3, p95: 4, p99: 5 },
    quality_ratio: 0.8,
    cost_usd: 4,
    cost_unknown_count: 0,
    output_token_count: 1_000,
    revision_count: 10,
    ...part,
  }) as MetricWindow;

const usual = (centre: number, reach: number) => ({ low: centre / reach, centre, high: centre * reach });

describe('a cell', () => {
  it.each([
    ['LATENCY', { latency_s: { p50: 2.05, p90: 3, p95: 4, p99: 5 } }, usual(2, 3), 0, null],
    ['LATENCY', { latency_s: { p50: 2.4, p90: 3, p95: 4, p99: 5 } }, usual(2, 3), 1, false],
    ['LATENCY', { latency_s: { p50: 5, p90: 6, p95: 7, p99: 8 } }, usual(2, 3), 3, false],
    ['LATENCY', { latency_s: { p50: 1.4, p90: 6, p95: 7, p99: 8 } }, usual(2, 3), -2, true],
    ['LATENCY', { latency_s: { p50: 2.4, p90: 3, p95: 4, p99: 5 }, call_count: 4 }, usual(2, 3), 0, null],
    ['SUCCESS_RATIO', { success_ratio: 0.8 }, { low: 0.6, centre: 0.95, high: 1 }, -3, false],
    ['SUCCESS_RATIO', { success_ratio: 0.8, call_count: 5 }, { low: 0.6, centre: 0.95, high: 1 }, 0, null],
    ['CALL_VOLUME', { call_count: 900 }, { low: 300, centre: 400, high: 500 }, 3, null],
    ['QUALITY', { quality_ratio: 0.85 }, { low: 0.7, centre: 0.8, high: 0.9 }, 2, true],
    ['QUALITY', { quality_ratio: null, quality_count: 0 }, { low: 0.7, centre: 0.8, high: 0.9 }, 0, null],
  ] as const)('of %s with %j is at its level', (metric, part, band, level, isBetter) =>
    expect(cellOf(metric, window(part as Partial<MetricWindow>), band)).toMatchObject({ level, isBetter }),
  );

  it('without what is usual says nothing of it', () =>
    expect(cellOf('LATENCY', window({}), null)).toMatchObject({ value: 2, change: null, level: 0 }));
});

describe('what is usual', () => {
  it('is the mean over the points that are known', () =>
    expect(
      usualOf([
        { start: '', centre: 1, low: 0, high: 2 },
        { start: '', centre: null, low: null, high: null },
        { start: '', centre: 3, low: 2, high: 4 },
      ]),
    ).toEqual({ low: 1, centre: 2, high: 3 }));
  it('is not known without any', () => expect(usualOf([])).toBeNull());
});

describe('a difference in words', () => {
  it.each([
    ['LATENCY', Math.log(1.12), '+12\u202f%'],
    ['LATENCY', Math.log(0.5), '−50\u202f%'],
    ['LATENCY', Math.log(2.34), '×2.3'],
    ['SUCCESS_RATIO', -0.021, '−2.1\u202fpts'],
    ['SUCCESS_RATIO', -0.0001, '±0.0\u202fpts'],
    ['QUALITY', 0.0123, '+0.012'],
    ['REVISIONS', -0.3, '−0.30'],
  ] as const)('%s %f is %s', (metric, change, words) => expect(changeWords(metric, change)).toBe(words));
});

describe('the map', () => {
  const series = [
    { key: { provider: 'a', task_type: 'x' }, windows: [window({ call_count: 5 })] },
    { key: { provider: 'b', task_type: 'x' }, windows: [window({ call_count: 50 })] },
    { key: { provider: 'b', task_type: 'y' }, windows: [window({ call_count: 70 })] },
    { key: { provider: 'c', task_type: 'y' }, windows: [] },
  ] as unknown as MetricSeries[];
  const bands = [
    { key: { provider: 'b', task_type: 'x' }, points: [{ start: '', centre: 1, low: 0.5, high: 2 }] },
  ] as unknown as BaselineBand[];
  const map = heatMap('LATENCY', 'provider', series, bands);
  it('has those with the most calls first', () =>
    expect([map.rows, map.tasks]).toEqual([
      ['b', 'a'],
      ['y', 'x'],
    ]));
  it('knows what is usual cell by cell', () => {
    expect(map.cells.get(cellKey('b', 'x'))?.usual?.centre).toBe(1);
    expect(map.cells.get(cellKey('a', 'x'))?.usual).toBeNull();
  });
});
