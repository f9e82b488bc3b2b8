import { describe, expect, it } from 'vitest';
import { DEFAULT_RANGE, stepsOf, TRAILING } from './ranges';
import { addressOf, filtersOf, parseView, queryOf, toggled, view, type View } from './view';

const parsed = (query: string): View => parseView(new URLSearchParams(query));

describe('the URL holds the view', () => {
  it.each([
    '',
    'range=24h&zone=utc',
    'project=web&provider=openai&provider=x-ai&task_type=code_review&q=open&sort=-cost',
    'from=2026-04-11T20%3A00%3A00.000Z&to=2026-04-12T20%3A00%3A00.000Z&zone=project',
    'sort=provider',
    'provider=a%26b%3Dc%3Cscript%3E',
    'provider=a&model=x&task_type=t&prompt_name=p&prompt_version=v2',
    'state=ended&kind=SHIFT&metric=LATENCY&severity=CRITICAL',
  ])('%s', (query) => expect(queryOf(parsed(query))).toBe(query));

  it.each(['range=2h', 'zone=mars', 'from=2026-04-12T00:00:00Z&to=2026-04-11T00:00:00Z', 'from=x&to=y', 'sort='])(
    'is as usual where it makes no sense: %s',
    (query) => expect(parsed(query)).toEqual(parsed('')),
  );

  it('goes along to another page as far as it means something there', () => {
    view.value = parsed('project=web&zone=utc&range=24h&provider=openai&state=open');
    expect(addressOf('/anomalies')).toBe('/anomalies?project=web&zone=utc');
    expect(addressOf('/series', { filters: { provider: ['a'] } })).toBe('/series?project=web&zone=utc&provider=a');
    view.value = parsed('');
    expect(addressOf('/')).toBe('/');
  });

  it('makes filters of a scope, in which what is missing is all and what is empty is none', () =>
    expect(filtersOf({ provider: 'a', model: null, prompt_name: '' })).toEqual({ provider: ['a'], prompt_name: [''] }));

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

  it.each([0.25, 1, 2, 24, 24 * 30, 24 * 152, 24 * 400])(
    'a range of %d hours is drawn with steps that divide a day or a week',
    (hours) => {
      const { step_s, spark_step_s } = stepsOf({ kind: 'fixed', startMs: 0, endMs: hours * 3_600_000 }, 0);
      expect((hours * 3_600) / step_s).toBeLessThanOrEqual(120);
      expect(spark_step_s).toBeGreaterThanOrEqual(step_s);
      for (const step of [step_s, spark_step_s]) expect(86_400 % step === 0 || step === 7 * 86_400).toBe(true);
    },
  );

  it('is drawn with quarters of an hour where minutes are no longer kept', () => {
    const range = { kind: 'fixed', startMs: 0, endMs: 3_600_000 } as const;
    expect(stepsOf(range, 12 * 86_400_000).step_s).toBe(60);
    expect(stepsOf(range, 14 * 86_400_000)).toEqual({ step_s: 900, spark_step_s: 900 });
  });

  it('offers the last hour first', () => expect(parsed('').range).toBe(DEFAULT_RANGE));
});
