import { describe, expect, it } from 'vitest';
import type { Anomaly } from '../api/model';
import { concerning, merged, scopeWords, sentence } from './anomalies';

function anomaly(anomaly_id: string, part: Partial<Anomaly> = {}): Anomaly {
  return {
    anomaly_id,
    severity: 'WARNING',
    start_time: '2026-11-22T14:00:00Z',
    scope: {},
    is_open: true,
    ...part,
  } as Anomaly;
}

const ids = (anomalies: readonly Anomaly[]): string[] => anomalies.map((one) => one.anomaly_id);

describe('the open anomalies', () => {
  const known = [anomaly('a'), anomaly('b', { severity: 'CRITICAL' })];

  it.each([
    ['a new one comes among them', [anomaly('c')], ['b', 'a', 'c']],
    [
      'the most severe first',
      [anomaly('c', { severity: 'INFO' }), anomaly('a', { severity: 'CRITICAL' })],
      ['a', 'b', 'c'],
    ],
    ['of equal ones the latest begun', [anomaly('c', { start_time: '2026-11-22T15:00:00Z' })], ['b', 'c', 'a']],
    ['one that is over goes', [anomaly('b', { is_open: false })], ['a']],
    ['one that ended before it was known never comes', [anomaly('c', { is_open: false })], ['b', 'a']],
  ])('%s', (_, anomalies, expected) => expect(ids(merged(known, { is_snapshot: false, anomalies }))).toEqual(expected));

  it('are those of a snapshot alone', () =>
    expect(ids(merged(known, { is_snapshot: true, anomalies: [anomaly('c')] }))).toEqual(['c']));
});

describe('an anomaly concerns a row', () => {
  it.each([
    [{ provider: 'openai' }, true],
    [{ provider: 'openai', task_type: 'code_review', model: 'x' }, true],
    [{ task_type: 'code_review' }, true],
    [{ provider: 'google' }, false],
    [{ provider: 'openai', task_type: 'translation' }, false],
    [{ provider: '' }, false],
    [{ model: 'x' }, false],
    [{}, false],
  ])('%j: %s', (scope, expected) =>
    expect(concerning([anomaly('a', { scope })], 'openai', 'code_review')).toHaveLength(Number(expected)),
  );
});

describe('words', () => {
  it.each([
    [
      { provider: 'a', model: 'x', task_type: 't', prompt_name: 'p', prompt_version: 'v2' },
      'a x on t with prompt p v2',
    ],
    [{ task_type: 't' }, 't'],
    [{}, 'the whole project'],
  ])('%j is called "%s"', (scope, words) => expect(scopeWords(scope)).toBe(words));

  it('a sentence begins large, and no number is parted from its unit', () =>
    expect(sentence('success fell from 98.1 % to 71 % since 14:05 UTC, 38 of 131')).toBe(
      'Success fell from 98.1\u00a0% to 71\u00a0% since 14:05\u00a0UTC, 38 of 131',
    ));
});
