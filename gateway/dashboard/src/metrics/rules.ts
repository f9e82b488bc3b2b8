// Rules in words, and what their metrics are called and measured in.
import type { Rule, RuleBody, Threshold } from '../api/model';
import { duration, money, ratio, text } from '../format/format';
import { valueText } from './alerts';

type RuleMetric = Threshold['metric'];
type Unit = 'ratio' | 's' | 'USD' | 'tokens' | 'calls' | '';

/** Label and unit, in the order in which they are offered. */
export const RULE_METRICS: Readonly<Record<RuleMetric, readonly [label: string, unit: Unit]>> = {
  SUCCESS_RATIO: ['Success', 'ratio'],
  FAILED_RATIO: ['Failed calls', 'ratio'],
  TIMED_OUT_RATIO: ['Timed out calls', 'ratio'],
  RATE_LIMITED_RATIO: ['Rate limited calls', 'ratio'],
  REFUSED_RATIO: ['Refused calls', 'ratio'],
  LATENCY_MEAN: ['Latency, mean', 's'],
  LATENCY_P50: ['Latency, median', 's'],
  LATENCY_P90: ['Latency, p90', 's'],
  LATENCY_P95: ['Latency, p95', 's'],
  LATENCY_P99: ['Latency, p99', 's'],
  TIME_TO_FIRST_TOKEN_P50: ['First token, median', 's'],
  TIME_TO_FIRST_TOKEN_P90: ['First token, p90', 's'],
  TIME_TO_FIRST_TOKEN_P95: ['First token, p95', 's'],
  TIME_TO_FIRST_TOKEN_P99: ['First token, p99', 's'],
  COST: ['Cost', 'USD'],
  COST_PER_CALL: ['Cost per call', 'USD'],
  COST_PER_ACCEPTED_TASK: ['Cost per accepted task', 'USD'],
  COST_UNKNOWN_RATIO: ['Calls without a known cost', 'ratio'],
  INPUT_TOKEN_COUNT: ['Input tokens', 'tokens'],
  OUTPUT_TOKEN_COUNT: ['Output tokens', 'tokens'],
  INPUT_TOKENS_PER_CALL: ['Input tokens per call', 'tokens'],
  OUTPUT_TOKENS_PER_CALL: ['Output tokens per call', 'tokens'],
  CACHE_READ_RATIO: ['Input read from cache', 'ratio'],
  REVISIONS_PER_TASK: ['Revisions per task', ''],
  ACCEPTED_TASK_RATIO: ['Accepted tasks', 'ratio'],
  QUALITY_RATIO: ['Quality', 'ratio'],
  CALL_COUNT: ['Calls', 'calls'],
};

export const RULE_METRIC_NAMES = Object.keys(RULE_METRICS) as RuleMetric[];

const DIMENSION_WORDS = {
  provider: 'provider',
  model: 'model',
  task_type: 'task',
  prompt_name: 'prompt',
  prompt_version: 'prompt version',
} as const;

/** A value of a rule's metric, with its unit. */
export function ruleValue(metric: RuleMetric, value: number | null): string {
  const [, unit] = RULE_METRICS[metric];
  if (unit === 'ratio') return text(ratio(value));
  return unit === 'USD' ? text(money(value)) : valueText(value, unit);
}

const span = (seconds: number): string => text(duration(seconds)).replace(/\u202f0\u202f(s|min|h)$/, '');

function thresholdWords({ metric, window_s, comparison, threshold }: Threshold): string {
  const side = comparison === 'ABOVE' ? 'above' : 'below';
  return `${RULE_METRICS[metric][0]} ${side} ${ruleValue(metric, threshold)} over ${span(window_s)}`;
}

/** What a rule looks at, in one line. */
export function conditionWords(rule: RuleBody): string {
  const each = rule.group_by.map((dimension) => DIMENSION_WORDS[dimension]).join(' and ');
  return [condition(rule), each && `by ${each}`, rule.for_s > 0 && `for ${span(rule.for_s)}`]
    .filter(Boolean)
    .join(', ');
}

function condition({ threshold, burn, absence, anomaly, own_state, spend_forecast }: RuleBody): string {
  if (threshold) return thresholdWords(threshold);
  if (burn) return `The budget of ${text(ratio(burn.objective_ratio))} success is used up too fast`;
  if (absence) return `No calls for ${span(absence.absent_window_s)}`;
  if (anomaly)
    return `Anomalies${anomaly.minimum_severity ? `, ${anomaly.minimum_severity.toLowerCase()} or worse` : ''}`;
  if (own_state) return `Assay itself: ${own_state.check.toLowerCase().replaceAll('_', ' ')}`;
  if (spend_forecast) return `The month will cost more than ${text(money(spend_forecast.limit_usd))}`;
  return 'Always, so that its silence is the alarm';
}

/** Whether there is a past to run it over: only conditions on what was measured have one. */
export function hasPast({ threshold, burn, absence }: RuleBody): boolean {
  return Boolean(threshold ?? burn ?? absence);
}

/** Whether it looks at series, of which some may be chosen. */
export function takesFilter({ own_state, heartbeat }: RuleBody): boolean {
  return !own_state && !heartbeat;
}

/** The part of a rule that one may change. */
export function bodyOf({ create_time: _c, update_time: _u, updated_by: _b, version: _v, ...body }: Rule): RuleBody {
  return body;
}

/** An id from a name: small letters, digits and hyphens. */
export function idFrom(name: string): string {
  const id = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return id.replace(/^-+|-+$/g, '').slice(0, 64);
}
