// The notification policy: how its routes are changed, what each inherits, and what is wrong with one that is being written.
import type { PolicyBody, PolicyRoute } from '../api/model';
import { parsed, problemOf as matcherProblem } from './matchers';
import { dayNumber, isZone, MINUTES_PER_DAY } from './shifts';

export const PARTS = ['routes', 'escalation', 'rotas', 'mute', 'inhibition'] as const;
export type Part = (typeof PARTS)[number];

export interface Problem {
  part: Part;
  /** Which of its kind, as the page calls it. */
  where: string;
  what: string;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

export const GROUP_BY_ALL = '...';

/** The limits of the alerter. */
export const LIMITS = {
  depth: 10,
  routes: 500,
  groupBy: 16,
  matchers: 32,
  named: 200,
  nameBytes: 64,
  steps: 32,
  stepReceivers: 16,
  rounds: 100,
  members: 64,
  shiftDays: 366,
  intervals: 32,
  inhibitions: 100,
} as const;

type Times = 'group_wait_s' | 'group_interval_s' | 'repeat_interval_s';

/** Least and most of each, in seconds, and what it is called. */
export const TIMES: Readonly<Record<Times, readonly [label: string, least_s: number, most_s: number]>> = {
  group_wait_s: ['First message waits for others', 0, HOUR_S],
  group_interval_s: ['Changes are told after', MINUTE_S, DAY_S],
  repeat_interval_s: ['Repeated while nobody acknowledges after', MINUTE_S, 30 * DAY_S],
};
const DELAY_MOST_S = 7 * DAY_S;
const FACTOR_MOST = 1_024;

/** A route with all that it inherits. */
export interface Destination {
  receiver_id: string;
  group_by: readonly string[];
  group_wait_s: number;
  group_interval_s: number;
  repeat_interval_s: number;
  repeat_factor_max: number;
  escalation_policy: string;
}

const USUAL: Destination = {
  receiver_id: 'default',
  group_by: ['alertname', 'provider'],
  group_wait_s: 2,
  group_interval_s: 300,
  repeat_interval_s: 4 * HOUR_S,
  repeat_factor_max: 8,
  escalation_policy: '',
};

export const NEW_ROUTE: PolicyRoute = {
  matchers: ['severity="critical"'],
  receiver_id: '',
  group_by: null,
  group_wait_s: null,
  group_interval_s: null,
  repeat_interval_s: null,
  repeat_factor_max: null,
  mute_times: [],
  escalation_policy: '',
  continues: false,
  routes: [],
};

/** What holds for a route under a parent for which `inherited` holds. */
export function destinationOf(route: PolicyRoute, inherited: Destination = USUAL): Destination {
  return {
    receiver_id: route.receiver_id || inherited.receiver_id,
    group_by: route.group_by ?? inherited.group_by,
    group_wait_s: route.group_wait_s ?? inherited.group_wait_s,
    group_interval_s: route.group_interval_s ?? inherited.group_interval_s,
    repeat_interval_s: route.repeat_interval_s ?? inherited.repeat_interval_s,
    repeat_factor_max: route.repeat_factor_max ?? inherited.repeat_factor_max,
    escalation_policy: route.escalation_policy || inherited.escalation_policy,
  };
}

/** The list with the item at `index` one place further up or down; as it is where there is no further. */
export function moved<T>(items: readonly T[], index: number, by: -1 | 1): T[] {
  const next = [...items];
  const to = index + by;
  if (to < 0 || to >= next.length) return next;
  [next[index], next[to]] = [next[to]!, next[index]!];
  return next;
}

/** The names that one calls in the policy, each once. */
type Named = 'mute_times' | 'escalation_policies' | 'rotas';

/** The policy with one of its named things called otherwise, wherever it is named. */
export function renamed(policy: PolicyBody, kind: Named, from: string, to: string): PolicyBody {
  const name = (one: string): string => (one === from ? to : one);
  const routes = (route: PolicyRoute): PolicyRoute => ({
    ...route,
    ...(kind === 'mute_times' ? { mute_times: route.mute_times.map(name) } : {}),
    ...(kind === 'escalation_policies' ? { escalation_policy: name(route.escalation_policy) } : {}),
    routes: route.routes.map(routes),
  });
  const called = policy[kind].map((one) => ({ ...one, name: name(one.name) }));
  const changed = { ...policy, [kind]: called, root: routes(policy.root) };
  if (kind !== 'rotas') return changed;
  const steps = (step: PolicyBody['escalation_policies'][number]['steps'][number]) => ({
    ...step,
    rotas: step.rotas.map(name),
  });
  return {
    ...changed,
    escalation_policies: policy.escalation_policies.map((one) => ({ ...one, steps: one.steps.map(steps) })),
  };
}

/** The labels that a text names, apart by commas or spaces. */
export function labelsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** The text that is being written, as long as it says these labels: else the labels. */
export function labelsText(own: string, labels: readonly string[]): string {
  return JSON.stringify(labelsIn(own)) === JSON.stringify(labels) ? own : labels.join(', ');
}

const LABEL = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** All that is wrong with a policy, in the order in which it stands on the page. */
export function policyProblems(policy: PolicyBody, receiverIds: readonly string[]): Problem[] {
  return [
    ...routeProblems(policy, receiverIds),
    ...escalationProblems(policy, receiverIds),
    ...rotaProblems(policy, receiverIds),
    ...muteProblems(policy),
    ...inhibitionProblems(policy),
  ];
}

function matchersProblem(matchers: readonly string[]): string {
  if (matchers.length > LIMITS.matchers) return `has more than ${LIMITS.matchers} conditions`;
  for (const text of matchers) {
    const matcher = parsed(text);
    const wrong = matcher ? matcherProblem(matcher) : `${text} is no condition`;
    if (wrong) return wrong;
  }
  return '';
}

function groupByProblem(names: readonly string[]): string {
  if (names.length > LIMITS.groupBy) return `groups by more than ${LIMITS.groupBy} labels`;
  if (new Set(names).size < names.length) return 'groups twice by the same label';
  if (names.length === 1 && names[0] === GROUP_BY_ALL) return '';
  const wrong = names.find((name) => !LABEL.test(name));
  return wrong === undefined ? '' : `cannot group by “${wrong}”, which is no label`;
}

function* everyRoute(route: PolicyRoute, where = 'All alerts', depth = 1): Generator<[PolicyRoute, string, number]> {
  yield [route, where, depth];
  for (const [index, child] of route.routes.entries())
    yield* everyRoute(child, `${depth === 1 ? 'Route' : where}${depth === 1 ? ' ' : '.'}${index + 1}`, depth + 1);
}

function routeProblems(policy: PolicyBody, receiverIds: readonly string[]): Problem[] {
  const found: Problem[] = [];
  const mutes = policy.mute_times.map((one) => one.name);
  const policies = policy.escalation_policies.map((one) => one.name);
  const routes = [...everyRoute(policy.root)];
  const say = (where: string, what: string): unknown => what && found.push({ part: 'routes', where, what });
  if (routes.length > LIMITS.routes) say('All alerts', `there are more than ${LIMITS.routes} routes`);
  for (const [route, where, depth] of routes) {
    if (depth > LIMITS.depth) say(where, `is deeper than ${LIMITS.depth} routes`);
    say(where, matchersProblem(route.matchers));
    say(where, groupByProblem(route.group_by ?? []));
    if (route.receiver_id && !receiverIds.includes(route.receiver_id))
      say(where, `there is no receiver “${route.receiver_id}”`);
    for (const name of route.mute_times) if (!mutes.includes(name)) say(where, `there are no mute times “${name}”`);
    if (route.escalation_policy && !policies.includes(route.escalation_policy))
      say(where, `there is no escalation policy “${route.escalation_policy}”`);
    for (const [name, [label, least, most]] of Object.entries(TIMES)) {
      const value = route[name as Times];
      if (typeof value === 'number' && (value < least || value > most))
        say(where, `“${label}” is ${spanWords(least)} to ${spanWords(most)}`);
    }
    const factor = route.repeat_factor_max;
    if (typeof factor === 'number' && (factor < 1 || factor > FACTOR_MOST))
      say(where, `repeats slow down up to 1 to ${FACTOR_MOST} times`);
  }
  return found;
}

/** A round duration, short. */
export function spanWords(seconds: number): string {
  const units = [
    [DAY_S, 'd'],
    [HOUR_S, 'h'],
    [MINUTE_S, 'min'],
  ] as const;
  const [size, unit] = units.find(([one]) => seconds >= one && seconds % one === 0) ?? [1, 's'];
  return `${seconds / size}\u202f${unit}`;
}

function nameProblems(part: Part, kind: string, names: readonly string[]): Problem[] {
  const found: Problem[] = [];
  if (names.length > LIMITS.named) found.push({ part, where: kind, what: `there are more than ${LIMITS.named}` });
  for (const [index, name] of names.entries()) {
    const where = name || `${kind} ${index + 1}`;
    if (!name.trim()) found.push({ part, where, what: 'needs a name' });
    if (names.indexOf(name) < index) found.push({ part, where, what: 'has the name of another one' });
    if (new TextEncoder().encode(name).length > LIMITS.nameBytes)
      found.push({ part, where, what: `has a name of more than ${LIMITS.nameBytes} bytes` });
  }
  return found;
}

function unknownOf(names: readonly string[], known: readonly string[]): string | undefined {
  return names.find((name) => !known.includes(name));
}

function escalationProblems(policy: PolicyBody, receiverIds: readonly string[]): Problem[] {
  const part = 'escalation';
  const rotas = policy.rotas.map((one) => one.name);
  const found = nameProblems(part, 'Policy', policy.escalation_policies.map((one) => one.name));
  for (const [index, { name, steps, repeat_from, repeat_count }] of policy.escalation_policies.entries()) {
    const where = name || `Policy ${index + 1}`;
    const say = (what: string): unknown => found.push({ part, where, what });
    if (steps.length === 0) say('needs a step');
    if (steps.length > LIMITS.steps) say(`has more than ${LIMITS.steps} steps`);
    for (const [at, step] of steps.entries()) {
      const told = step.receiver_ids.length + step.rotas.length;
      if (told === 0) say(`step ${at + 1} tells nobody`);
      if (told > LIMITS.stepReceivers) say(`step ${at + 1} tells more than ${LIMITS.stepReceivers}`);
      if ((step.delay_s ?? 0) < 0 || (step.delay_s ?? 0) > DELAY_MOST_S) say(`step ${at + 1} waits at most 7 days`);
      const receiver = unknownOf(step.receiver_ids, receiverIds);
      if (receiver !== undefined) say(`step ${at + 1}: there is no receiver “${receiver}”`);
      const rota = unknownOf(step.rotas, rotas);
      if (rota !== undefined) say(`step ${at + 1}: there is no rota “${rota}”`);
    }
    if (repeat_from < 0 || (steps.length > 0 && repeat_from >= steps.length))
      say('goes on from a step that is not there');
    if (repeat_count < 0 || repeat_count > LIMITS.rounds) say(`is repeated at most ${LIMITS.rounds} times`);
  }
  return found;
}

function rotaProblems(policy: PolicyBody, receiverIds: readonly string[]): Problem[] {
  const part = 'rotas';
  const found = nameProblems(part, 'Rota', policy.rotas.map((one) => one.name));
  for (const [index, rota] of policy.rotas.entries()) {
    const say = (what: string): unknown => found.push({ part, where: rota.name || `Rota ${index + 1}`, what });
    if (rota.receiver_ids.length === 0) say('needs somebody to take turns');
    if (rota.receiver_ids.length > LIMITS.members) say(`has more than ${LIMITS.members} turns`);
    const receiver = unknownOf(rota.receiver_ids, receiverIds);
    if (receiver !== undefined) say(`there is no receiver “${receiver}”`);
    if (Number.isNaN(dayNumber(rota.start_date))) say('needs the day on which the first shift begins');
    if (rota.shift_days < 0 || rota.shift_days > LIMITS.shiftDays) say(`has shifts of 1 to ${LIMITS.shiftDays} days`);
    if (!isZone(rota.time_zone)) say(`there is no time zone “${rota.time_zone}”`);
  }
  return found;
}

function muteProblems(policy: PolicyBody): Problem[] {
  const part = 'mute';
  const found = nameProblems(part, 'Mute times', policy.mute_times.map((one) => one.name));
  for (const [index, { name, time_zone, intervals }] of policy.mute_times.entries()) {
    const say = (what: string): unknown => found.push({ part, where: name || `Mute times ${index + 1}`, what });
    if (intervals.length === 0) say('need a time');
    if (intervals.length > LIMITS.intervals) say(`have more than ${LIMITS.intervals} times`);
    if (!isZone(time_zone)) say(`there is no time zone “${time_zone}”`);
    if (intervals.some((one) => one.start_min >= MINUTES_PER_DAY || one.end_min > MINUTES_PER_DAY))
      say('begin and end within a day');
  }
  return found;
}

function inhibitionProblems(policy: PolicyBody): Problem[] {
  const part = 'inhibition';
  const found: Problem[] = [];
  if (policy.inhibition_rules.length > LIMITS.inhibitions)
    found.push({ part, where: 'Inhibition', what: `there are more than ${LIMITS.inhibitions} rules` });
  for (const [index, rule] of policy.inhibition_rules.entries()) {
    const say = (what: string): unknown => what && found.push({ part, where: `Rule ${index + 1}`, what });
    if (rule.source_matchers.length === 0) say('must say what mutes');
    if (rule.target_matchers.length === 0) say('must say what is muted');
    say(matchersProblem(rule.source_matchers) || matchersProblem(rule.target_matchers));
    say(groupByProblem(rule.equal).replace(/^groups? /, 'compares '));
  }
  return found;
}
