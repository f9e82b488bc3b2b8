import { describe, expect, it } from 'vitest';
import { DEFAULT_RANGE, stepsOf, TRAILING } from './ranges';
import { parseView, queryOf, toggled, type View } from './view';

const parsed = (query: string): View => parseView(new URLSearchParams(query));

describe('the URL holds the view', () => {
  it.each([
    '',
    'range=24h&zone=utc',
    'project=web&provider=openai&provider=x-ai&task_type=code_review&q=open&sort=-cost',
    'from=2026-04-11T20%3A00%3A00.000Z&to=2026-04-12T20%3A00%3A00.000Z&zone=project',
    'sort=provider',
    'provider=a%26b%3Dc%3Cscript%3E',
  ])('%s', (query) => expect(queryOf(parsed(query))).toBe(query));

  it.each(['range=2h', 'zone=mars', 'from=2026-04-12T00:00:00Z&to=2026-04-11T00:00:00Z', 'from=x&to=y', 'sort='])(
    'is as usual where it makes no sense: %s',
    (query) => expect(parsed(query)).toEqual(parsed('')),
  );

  it('takes a value in and out of the filters', () => {
    const one = toggled({}, 'provider', 'openai');
    expect(one).toEqual({ provider: ['openai'] });
    expect(toggled(one, 'provider', 'x-ai')).toEqual({ provider: ['openai', 'x-ai'] });
    expect(toggled(one, 'provider', 'openai')).toEqual({});
  });
});

describe('ranges', () => {
  it.each(TRAILING.map((range) => [range.name, range] as const))('%s is drawn with 15 to 120 windows', (_, range) => {
    expect(range.range_s / range.step_s).toBeGreaterThanOrEqual(15);
    expect(range.range_s / range.step_s).toBeLessThanOrEqual(120);
    expect(range.range_s / range.spark_step_s).toBeLessThanOrEqual(32);
  });

  it.each([0.25, 1, 24, 24 * 30, 24 * 400])('a custom range of %d hours has at most 120 windows', (hours) => {
    const { step_s, spark_step_s } = stepsOf({ kind: 'fixed', startMs: 0, endMs: hours * 3_600_000 });
    expect((hours * 3_600) / step_s).toBeLessThanOrEqual(120);
    expect(spark_step_s).toBeGreaterThanOrEqual(step_s);
  });

  it('offers the last hour first', () => expect(parsed('').range).toBe(DEFAULT_RANGE));
});
