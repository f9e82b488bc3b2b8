import { describe, expect, it } from 'vitest';
import type { MetricWindow } from '../api/model';
import { emptyWindow } from './fixtures';
import { rowsOf, searched, sorted } from './rows';

const series = (provider: string, task_type: string, window: Partial<MetricWindow> = {}) => ({
  key: { provider, task_type },
  windows: [{ ...emptyWindow, ...window }],
});
const rows = rowsOf(
  [
    series('openai', 'code_review', { call_count: 5, quality_ratio: 0.5 }),
    series('x-ai', 'code_review', { call_count: 9 }),
    series('openai', 'translation', { call_count: 5, quality_ratio: 0.9 }),
  ],
  [series('x-ai', 'code_review', { call_count: 4 })],
);
const names = (some: typeof rows) => some.map((row) => `${row.provider}/${row.taskType}`);

describe('the table', () => {
  it('joins rows with their activity', () => {
    expect(rows.map((row) => row.activity.map((window) => window.call_count))).toEqual([[], [4], []]);
  });

  it.each([
    ['', 3],
    ['OPEN', 2],
    ['review x', 1],
    ['nothing', 0],
  ])('finds %j in %d rows', (search, expected) => expect(searched(rows, search)).toHaveLength(expected));

  it('sorts, equal rows by name', () => {
    const byCalls = sorted(rows, { column: 'calls', isDescending: true });
    expect(names(byCalls)).toEqual(['x-ai/code_review', 'openai/code_review', 'openai/translation']);
  });

  it.each([true, false])('puts what has no value last (descending: %s)', (isDescending) => {
    expect(names(sorted(rows, { column: 'quality', isDescending })).at(-1)).toBe('x-ai/code_review');
  });

  it('sorts by calls where the column is unknown', () => {
    expect(names(sorted(rows, { column: 'toString', isDescending: true }))[0]).toBe('x-ai/code_review');
  });
});
