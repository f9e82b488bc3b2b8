import { describe, expect, it } from 'vitest';
import type { PolicyBody, PolicyRoute, Rota } from '../api/model';
import {
  clockOf,
  destinationOf,
  labelsIn,
  minutesOf,
  moved,
  muteWords,
  NEW_ROUTE,
  policyProblems,
  renamed,
  shiftsOf,
  spanWords,
} from './policy';

const route = (part: Partial<PolicyRoute> = {}): PolicyRoute => ({ ...NEW_ROUTE, ...part });
const root = (part: Partial<PolicyRoute> = {}): PolicyRoute => route({ matchers: [], ...part });
const policy = (part: Partial<PolicyBody> = {}): PolicyBody => ({
  root: root(),
  inhibition_rules: [],
  is_without_default_inhibition: false,
  mute_times: [],
  escalation_policies: [],
  rotas: [],
  ...part,
});
const rota: Rota = {
  name: 'first line',
  time_zone: 'Europe/Berlin',
  receiver_ids: ['ada', 'bob'],
  start_date: '2026-11-16',
  shift_days: 7,
  hand_over_min: 540,
};
const step = { delay_s: 300, receiver_ids: ['ada'], rotas: ['first line'] };
const escalation = { name: 'up', steps: [step], repeat_from: 0, repeat_count: 2 };
const night = { name: 'night', time_zone: '', intervals: [{ weekdays: [], start_min: 1_320, end_min: 360 }] };
const whole = policy({
  root: root({ receiver_id: 'ada', routes: [route({ mute_times: ['night'], escalation_policy: 'up' })] }),
  inhibition_rules: [{ source_matchers: ['severity="critical"'], target_matchers: ['severity="info"'], equal: ['provider'] }],
  mute_times: [night],
  escalation_policies: [escalation],
  rotas: [rota],
});
const RECEIVERS = ['ada', 'bob'];

describe('a policy', () => {
  it('that is right has no problems, and neither has the one at first', () => {
    expect(policyProblems(whole, RECEIVERS)).toEqual([]);
    expect(policyProblems(policy(), [])).toEqual([]);
  });

  const routed = (part: Partial<PolicyRoute>): PolicyBody => policy({ root: root({ routes: [route(part)] }) });
  it.each<[string, PolicyBody, string]>([
    ['a receiver that is not there', routed({ receiver_id: 'eve' }), 'Route 1: there is no receiver “eve”'],
    ['mute times that are not there', routed({ mute_times: ['x'] }), 'Route 1: there are no mute times “x”'],
    ['a policy that is not there', routed({ escalation_policy: 'x' }), 'Route 1: there is no escalation policy “x”'],
    ['a condition that is none', routed({ matchers: ['what?'] }), 'Route 1: what? is no condition'],
    ['a label that is none', routed({ group_by: ['a-b'] }), 'Route 1: cannot group by “a-b”, which is no label'],
    ['a label twice', routed({ group_by: ['a', 'a'] }), 'Route 1: groups twice by the same label'],
    ['an interval that is too short', routed({ group_interval_s: 5 }), 'Route 1: “Changes are told after” is 1\u202fmin to 1\u202fd'],
    ['repeats that speed up', routed({ repeat_factor_max: 0.5 }), 'Route 1: repeats slow down up to 1 to 1024 times'],
    ['a step that tells nobody', policy({ escalation_policies: [{ ...escalation, steps: [{ delay_s: 0, receiver_ids: [], rotas: [] }] }] }), 'up: step 1 tells nobody'],
    ['no step', policy({ escalation_policies: [{ ...escalation, steps: [] }] }), 'up: needs a step'],
    ['a step that is not there', policy({ rotas: [rota], escalation_policies: [{ ...escalation, repeat_from: 1 }] }), 'up: goes on from a step that is not there'],
    ['a rota that is not there', policy({ escalation_policies: [escalation] }), 'up: step 1: there is no rota “first line”'],
    ['no name', policy({ rotas: [{ ...rota, name: '' }] }), 'Rota 1: needs a name'],
    ['a name twice', policy({ rotas: [rota, rota] }), 'first line: has the name of another one'],
    ['nobody to take turns', policy({ rotas: [{ ...rota, receiver_ids: [] }] }), 'first line: needs somebody to take turns'],
    ['a zone that is none', policy({ rotas: [{ ...rota, time_zone: 'Mars/Base' }] }), 'first line: there is no time zone “Mars/Base”'],
    ['no first day', policy({ rotas: [{ ...rota, start_date: '' }] }), 'first line: needs the day on which the first shift begins'],
    ['no times', policy({ mute_times: [{ ...night, intervals: [] }] }), 'night: need a time'],
    ['no source', policy({ inhibition_rules: [{ source_matchers: [], target_matchers: ['a="b"'], equal: [] }] }), 'Rule 1: must say what mutes'],
  ])('says %s', (_, wrong, said) => {
    expect(policyProblems(wrong, RECEIVERS).map(({ where, what }) => `${where}: ${what}`)).toEqual([said]);
  });

  it('numbers routes by where they stand, and finds those that are too deep', () => {
    let deep = route({ receiver_id: 'eve' });
    for (let depth = 0; depth < 9; depth += 1) deep = route({ routes: [deep] });
    const found = policyProblems(policy({ root: root({ routes: [deep] }) }), RECEIVERS);
    expect(found.map(({ where }) => where)).toEqual(['Route 1.1.1.1.1.1.1.1.1.1', 'Route 1.1.1.1.1.1.1.1.1.1']);
  });
});

describe('a route', () => {
  it('inherits what it does not say', () => {
    const parent = destinationOf(root({ receiver_id: 'ada', group_wait_s: 30 }));
    const own = destinationOf(route({ group_by: [], repeat_interval_s: 60 }), parent);
    expect(own).toMatchObject({ receiver_id: 'ada', group_by: [], group_wait_s: 30, repeat_interval_s: 60 });
    expect(destinationOf(root()).receiver_id).toBe('default');
  });

  it('moves among its brothers and no further', () => {
    expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
  });
});

describe('a name', () => {
  it('is changed wherever it stands', () => {
    const changed = renamed(renamed(renamed(whole, 'rotas', 'first line', 'one'), 'mute_times', 'night', 'late'), 'escalation_policies', 'up', 'higher');
    expect(policyProblems(changed, RECEIVERS)).toEqual([]);
    expect(changed.root.routes[0]).toMatchObject({ mute_times: ['late'], escalation_policy: 'higher' });
    expect(changed.escalation_policies[0]).toMatchObject({ name: 'higher', steps: [{ rotas: ['one'] }] });
  });
});

describe('a rota', () => {
  const at = (text: string): number => Date.parse(text);

  it('hands over at its hour, in its zone', () => {
    const before = shiftsOf(rota, at('2026-11-23T07:59:00Z'), 2);
    expect(before.map((one) => one.receiver_id)).toEqual(['ada', 'bob']);
    expect(before[0]).toMatchObject({ startMs: at('2026-11-16T08:00:00Z'), endMs: at('2026-11-23T08:00:00Z') });
    expect(shiftsOf(rota, at('2026-11-23T08:00:00Z'), 1)[0]!.receiver_id).toBe('bob');
  });

  it('counts turns backwards before its first day', () => {
    expect(shiftsOf(rota, at('2026-11-10T12:00:00Z'), 1)[0]!.receiver_id).toBe('bob');
  });

  it('keeps its hour when clocks change', () => {
    const [shift] = shiftsOf({ ...rota, start_date: '2026-10-19' }, at('2026-10-20T12:00:00Z'), 1);
    expect(shift).toMatchObject({ startMs: at('2026-10-19T07:00:00Z'), endMs: at('2026-10-26T08:00:00Z') });
  });

  it('that is not right yet has none', () => expect(shiftsOf({ ...rota, receiver_ids: [] }, 0, 3)).toEqual([]));
});

describe('words', () => {
  it('are short', () => {
    expect(spanWords(300)).toBe('5\u202fmin');
    expect(spanWords(90)).toBe('90\u202fs');
    expect(clockOf(1_440)).toBe('00:00');
    expect(minutesOf('22:30')).toBe(1_350);
    expect(minutesOf('')).toBeNaN();
    expect(labelsIn(' a, b  c ')).toEqual(['a', 'b', 'c']);
    expect(muteWords(night)).toBe('every day 22:00–06:00 (UTC)');
    expect(muteWords({ ...night, intervals: [{ weekdays: [6, 7], start_min: 0, end_min: 0 }] })).toBe('Sat, Sun, all day (UTC)');
  });
});
