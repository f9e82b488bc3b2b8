import { describe, expect, it } from 'vitest';
import type { RankedCandidate, RankedEstimate } from '../api/model';
import {
  boundsOf,
  estimateOf,
  measureLabel,
  parseWeights,
  questionWords,
  tradeOffs,
  weightShares,
  weightsText,
} from './rankings';

const estimate = (
  metric: RankedEstimate['measure']['metric'],
  value: number | null,
  quantile: number | null = null,
): RankedEstimate => ({
  measure: { metric, quantile },
  value,
  low: value === null ? null : value * 0.9,
  high: value === null ? null : value * 1.1,
  evidence_count: 10,
});

const candidate = (model: string, cost: number | null, quality: number | null): RankedCandidate =>
  ({
    candidate: { provider: 'p', model },
    estimates: [estimate('COST_PER_ACCEPTED_TASK', cost), estimate('QUALITY', quality)],
  }) as RankedCandidate;

describe('bounds in the address', () => {
  it('are asked for in the unit of the metric', () =>
    expect(boundsOf({ min_success: '95.5', max_latency: '12' })).toEqual({
      min_success_ratio: '0.955',
      max_p95_latency_s: '12',
    }));
  it.each([['0'], ['-3'], ['many'], ['101'], ['Infinity']])('%s percent is none', (value) =>
    expect(boundsOf({ min_success: value })).toEqual({}),
  );
});

describe('weights in the address', () => {
  it('are read and written alike', () => {
    const words = 'quality:4,success:2.5';
    expect(weightsText(parseWeights(words))).toBe(words);
    expect(weightShares(parseWeights(words)).QUALITY).toBeCloseTo(4 / 6.5);
  });
  it.each([['quality:-1'], ['nonsense:3'], ['quality'], ['']])('%j weighs nothing', (words) =>
    expect(weightsText(parseWeights(words))).toBe(''),
  );
});

describe('the front', () => {
  const found = tradeOffs(
    [
      candidate('cheap', 1, 0.7),
      candidate('good', 3, 0.9),
      candidate('beaten', 3, 0.8),
      candidate('unknown', null, 1),
      candidate('same', 1, 0.7),
    ],
    'COST_PER_ACCEPTED_TASK',
    'QUALITY',
  );
  it('holds who is beaten by nobody, equals together', () =>
    expect(found.filter((one) => one.isOnFront).map((one) => one.candidate.candidate.model)).toEqual([
      'cheap',
      'good',
      'same',
    ]));
  it('leaves out who is not known', () => expect(found).toHaveLength(4));
});

describe('measures', () => {
  const latencies = { estimates: [estimate('LATENCY', 1, 0.5), estimate('LATENCY', 4, 0.95)] };
  it('with quantiles are found by them', () => {
    expect(estimateOf(latencies, 'LATENCY')?.value).toBe(1);
    expect(estimateOf(latencies, 'LATENCY', 0.95)?.value).toBe(4);
    expect(estimateOf(latencies, 'QUALITY')).toBeNull();
  });
  it('are named by them', () => {
    expect(latencies.estimates.map(({ measure }) => measureLabel(measure))).toEqual(['Latency', 'Latency p95']);
    expect(measureLabel({ metric: 'SUCCESS', quantile: null })).toBe('Success');
  });
});

describe('what was asked', () => {
  it.each([
    [{}, 'balanced'],
    [{ preset: 'OBJECTIVE_PRESET_UNSPECIFIED' }, 'balanced'],
    [{ preset: 'OBJECTIVE_PRESET_CHEAPEST', constraints: [{}, {}] }, 'cheapest, 2 bounds'],
    [{ weights: [{}] }, 'own weights'],
  ])('by %j is said as %s', (question, words) => expect(questionWords(question)).toBe(words));
});
