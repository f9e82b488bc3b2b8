import { describe, expect, it } from 'vitest';
import type { StoredCall } from '../api/model';
import { costOf, evidenceWords, outcomeOf, priceWords, secondsOf, tokensOf, writingSpeed } from './calls';

const call: StoredCall = {
  call_id: 'a',
  latency: '4.500s',
  time_to_first_token: '0.500s',
  outcome: 'CALL_OUTCOME_RATE_LIMITED',
  usage: { input_token_count: '200', output_token_count: '401' },
  cost_usd_nanos: '1577900',
  price_origin: 'TABLE',
  price_version: 'prices 1',
  quality_ratio: null,
  receive_time: null,
  batch_id: 'b',
};

describe('a call', () => {
  it('is read out of protobuf JSON', () => {
    expect(outcomeOf(call)).toBe('RATE_LIMITED');
    expect(outcomeOf({ ...call, outcome: 'CALL_OUTCOME_ODD' })).toBeNull();
    expect(secondsOf('0.25s')).toBe(0.25);
    expect(secondsOf(undefined)).toBeNull();
    expect(costOf(call)).toBeCloseTo(0.0015779);
    expect(tokensOf(call)).toEqual({ input: 200, output: 401, cacheRead: 0, cacheWrite: 0, reasoning: 0 });
    expect(tokensOf({ ...call, usage: null })).toBeNull();
  });

  it('is written at a speed only where it was streamed', () => {
    expect(writingSpeed(call)).toBe(100);
    expect(writingSpeed({ ...call, time_to_first_token: null })).toBeNull();
    expect(writingSpeed({ ...call, usage: { output_token_count: '1' } })).toBeNull();
  });

  it('says where its cost is from, and never calls an unknown one free', () => {
    expect(priceWords(call)).toContain('prices 1');
    expect(priceWords({ ...call, price_origin: 'CALLER' })).toContain('caller');
    expect(priceWords({ ...call, price_origin: 'UNKNOWN' })).toContain('not as free');
  });
});

describe('evidence', () => {
  it.each([
    [{ evaluation: { evaluator: 'judge' } }, 'Evaluation', ['0.000', 'by judge'], 0],
    [{ feedback: { accepted: false, rater: 'kim', comment: 'no' } }, 'Feedback', ['not accepted', 'by kim'], null],
    [{ tests: { counts: { passed_count: 7, failed_count: 1 } } }, 'Tests', ['7 passed', '1 failed', '0 skipped'], null],
    [{ tests: { junit_xml: 'PHg+' } }, 'Tests', ['a JUnit report'], null],
    [{ coverage: { covered_ratio: 0.815 } }, 'Coverage', ['81.5\u202f%'], null],
    [
      { static_analysis: { counts: { error_count: 1, line_count: 90 } } },
      'Static analysis',
      ['1 error', '0 warnings', '0 notes', 'in 90 lines'],
      null,
    ],
    [{ code: { language: 'python', unified_diff: '' } }, 'Code', ['python', 'a change'], null],
    [{ revision: {} }, 'Revision', ['worked over 0 times'], null],
    [{ smoke: {} }, 'Evidence', ['of a kind that this page does not know'], null],
  ] as const)('%j is said in words', (evidence, what, facts, scoreRatio) => {
    expect(evidenceWords(evidence)).toMatchObject({ what, facts, scoreRatio });
  });
});
