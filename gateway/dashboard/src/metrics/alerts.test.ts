import { describe, expect, it } from 'vitest';
import type { Alert, AlertState, RuleBody } from '../api/model';
import { begunToFire, mergedAlerts, valueText } from './alerts';
import { conditionWords, hasPast, idFrom } from './rules';

function alert(alert_id: string, state: AlertState, part: Partial<Alert> = {}): Alert {
  return { alert_id, state, severity: 'WARNING', start_time: '2026-11-22T14:00:00Z', ...part } as Alert;
}

describe('the alerts that are not resolved', () => {
  const known = [alert('a', 'FIRING'), alert('b', 'PENDING')];

  it.each([
    ['what nobody looks after comes first', [alert('c', 'FIRING', { severity: 'CRITICAL' })], ['c', 'a', 'b']],
    ['one that is taken on steps back', [alert('a', 'ACKNOWLEDGED'), alert('c', 'FIRING')], ['c', 'a', 'b']],
    ['one that is over goes', [alert('a', 'RESOLVED')], ['b']],
    ['one that never fired goes', [alert('b', 'INACTIVE')], ['a']],
  ])('%s', (_, alerts, expected) =>
    expect(mergedAlerts(known, { is_snapshot: false, alerts }).map((one) => one.alert_id)).toEqual(expected),
  );

  it('have begun to fire where they did not before, whether known or new', () => {
    const now = [alert('a', 'FIRING'), alert('b', 'FIRING'), alert('c', 'PENDING'), alert('d', 'FIRING')];
    expect(begunToFire(known, now).map((one) => one.alert_id)).toEqual(['b', 'd']);
  });

  it.each([
    [140, 's', '2\u202fmin\u202f20\u202fs'],
    [0.0042, 'USD', '$0.0042'],
    [16_000, 'tokens', '16.0k tokens'],
    [0.6667, 'ratio', '66.7\u202f%'],
    [0.6667, '', '0.667'],
    [null, 's', '–'],
  ])('%s %s is written %s', (value, unit, words) => expect(valueText(value, unit)).toBe(words));
});

const BODY = { group_by: [], for_s: 0 } as unknown as RuleBody;

describe('a rule in words', () => {
  it.each<[Partial<RuleBody>, string]>([
    [
      {
        threshold: { metric: 'LATENCY_P95', window_s: 900, comparison: 'ABOVE', threshold: 120, minimum_call_count: 0 },
        group_by: ['provider', 'model'],
        for_s: 300,
      },
      'Latency, p95 above 2 min over 15 min, by provider and model, for 5 min',
    ],
    [
      {
        threshold: {
          metric: 'SUCCESS_RATIO',
          window_s: 3_600,
          comparison: 'BELOW',
          threshold: 0.9,
          minimum_call_count: 0,
        },
      },
      'Success below 90.0 % over 1 h',
    ],
    [{ absence: { known_window_s: 86_400, absent_window_s: 3_600, minimum_call_count: 0 } }, 'No calls for 1 h'],
    [{ anomaly: { minimum_severity: 'WARNING', metrics: [], kinds: [] } }, 'Anomalies, warning or worse'],
    [{ own_state: { check: 'SERVICE_DOWN', threshold: 0 } }, 'Assay itself: service down'],
    [{ spend_forecast: { limit_usd: 500, probability: 0.9 } }, 'The month will cost more than $500.00'],
    [{ heartbeat: {} }, 'Always, so that its silence is the alarm'],
  ])('%j', (part, words) => expect(conditionWords({ ...BODY, ...part }).replaceAll('\u202f', ' ')).toBe(words));

  it('has a past if it is about what was measured', () => {
    expect(hasPast({ ...BODY, heartbeat: {} })).toBe(false);
    expect(hasPast({ ...BODY, absence: { known_window_s: 1, absent_window_s: 1, minimum_call_count: 0 } })).toBe(true);
  });

  it.each([
    ['Answers take long', 'answers-take-long'],
    ['  p95 > 2 min! ', 'p95-2-min'],
    ['été', 't'],
    ['…', ''],
  ])('"%s" becomes the id "%s"', (name, id) => expect(idFrom(name)).toBe(id));
});
