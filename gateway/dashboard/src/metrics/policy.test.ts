import { describe, expect, it } from 'vitest';
import type { PolicyBody, PolicyRoute, Rota } from '../api/model';
import { destinationOf, labelsIn, labelsText, moved, NEW_ROUTE, policyProblems, renamed, spanWords } from './policy';
import { clockOf, minutesOf, muteWords, shiftsOf } from './shifts';

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
const CRITICAL = { source_matchers: ['severity="critical"'] };
const whole = policy({
  root: root({ receiver_id: 'ada', routes: [route({ mute_times: ['night'], escalation_policy: 'up' })] }),
  inhibition_rules: [{ ...CRITICAL, target_matchers: ['severity="info"'], equal: ['provider'] }],
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
  const escalated = (part: Partial<typeof escalation>): PolicyBody =>
    policy({ rotas: [rota], escalation_policies: [{ ...escalation, ...part }] });
  const turned = (part: Partial<Rota>): PolicyBody => policy({ rotas: [{ ...rota, ...part }] });
  const nobody = { delay_s: 0, receiver_ids: [], rotas: [] };
  const sourceless = { source_matchers: [], target_matchers: ['a="b"'], equal: [] };
  it.each<[PolicyBody, string]>([
    [routed({ receiver_id: 'eve' }), 'Route 1: there is no receiver “eve”'],
    [routed({ mute_times: ['x'] }), 'Route 1: there are no mute times “x”'],
    [routed({ escalation_policy: 'x' }), 'Route 1: there is no escalation policy “x”'],
    [routed({ matchers: ['what?'] }), 'Route 1: what? is no condition'],
    [routed({ group_by: ['a-b'] }), 'Route 1: cannot group by “a-b”, which is no label'],
    [routed({ group_by: ['a', 'a'] }), 'Route 1: groups twice by the same label'],
    [routed({ group_interval_s: 5 }), 'Route 1: “Changes are told after” is 1\u202fmin to 1\u202fd'],
    [routed({ repeat_factor_max: 0.5 }), 'Route 1: repeats slow down up to 1 to 1024 times'],
    [escalated({ steps: [nobody] }), 'up: step 1 tells nobody'],
    [escalated({ steps: [] }), 'up: needs a step'],
    [escalated({ repeat_from: 1 }), 'up: goes on from a step that is not there'],
    [policy({ escalation_policies: [escalation] }), 'up: step 1: there is no rota “first line”'],
    [turned({ name: '' }), 'Rota 1: needs a name'],
    [policy({ rotas: [rota, rota] }), 'first line: has the name of another one'],
    [turned({ receiver_ids: [] }), 'first line: needs somebody to take turns'],
    [turned({ time_zone: 'Mars/Base' }), 'first line: there is no time zone “Mars/Base”'],
    [turned({ start_date: '' }), 'first line: needs the day on which the first shift begins'],
    [policy({ mute_times: [{ ...night, intervals: [] }] }), 'night: need a time'],
    [policy({ inhibition_rules: [sourceless] }), 'Rule 1: must say what mutes'],
  ])('that is wrong says why: %#', (wrong, said) => {
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
    const once = renamed(whole, 'rotas', 'first line', 'one');
    const twice = renamed(once, 'mute_times', 'night', 'late');
    const changed = renamed(twice, 'escalation_policies', 'up', 'higher');
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
    expect(labelsText('a, b, ', ['a', 'b'])).toBe('a, b, ');
    expect(labelsText('a, b, ', ['a'])).toBe('a');
    expect(labelsText('', [])).toBe('');
    expect(muteWords(night)).toBe('every day 22:00–06:00 (UTC)');
    const weekend = { weekdays: [6, 7], start_min: 0, end_min: 0 };
    expect(muteWords({ ...night, intervals: [weekend] })).toBe('Sat, Sun, all day (UTC)');
  });
});
