import { describe, expect, it } from 'vitest';
import type { QualityWeights } from '../api/model';
import { areSound, sharesOf, withoutTaskType, withTaskType, withWeight } from './weights';

const weights: QualityWeights['task_types'] = [
  {
    task_type: '',
    weights: [
      { component: 'TESTS', weight: 3 },
      { component: 'FEEDBACK', weight: 1 },
    ],
  },
];
const ALL: QualityWeights = { version: 4, task_types: weights, keep_content: false };

describe('the weights of quality', () => {
  it('are shares of what counts together', () => {
    expect([...sharesOf(weights[0]!)]).toEqual([
      ['TESTS', 0.75],
      ['FEEDBACK', 0.25],
    ]);
    expect([...sharesOf({ task_type: '', weights: [{ component: 'CODE', weight: 0 }] })]).toEqual([['CODE', 0]]);
  });

  it('change one by one, for one kind of task', () => {
    const own = withWeight(withTaskType(ALL, 'chat'), 'chat', 'FEEDBACK', 7);
    expect(own.task_types).toEqual([
      weights[0],
      {
        task_type: 'chat',
        weights: [
          { component: 'TESTS', weight: 3 },
          { component: 'FEEDBACK', weight: 7 },
        ],
      },
    ]);
    expect(withoutTaskType(own, 'chat')).toEqual(ALL);
    expect(own.version).toBe(4);
  });

  it.each([
    [0, false],
    [NaN, false],
    [1_001, false],
    [1_000, true],
    [0.1, true],
  ])('of %d are sound: %s', (weight, isSound) => expect(areSound(withWeight(ALL, '', 'TESTS', weight))).toBe(isSound));
});
