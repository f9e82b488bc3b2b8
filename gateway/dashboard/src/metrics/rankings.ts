// What a ranking says, made ready to be shown.
import type { BoundName } from '../api/rankings';
import type {
  RankedCandidate,
  RankedEstimate,
  RankedMeasure,
  RankedMetricName,
  ReplayedOutcome,
  ReplayedPolicy,
} from '../api/model';
import type { Term } from '../definitions';
import { duration, money, plural, ratio, score, text, type Figure } from '../format/format';
import type { Facet } from '../state/view';

interface RankedMetricInfo {
  label: string;
  term: Term;
  format: (value: number | null) => Figure;
  isLowerBetter: boolean;
}

export const RANKED_METRICS: Readonly<Record<RankedMetricName, RankedMetricInfo>> = {
  QUALITY: { label: 'Quality', term: 'quality', format: score, isLowerBetter: false },
  SUCCESS: { label: 'Success', term: 'success', format: ratio, isLowerBetter: false },
  COST_PER_ACCEPTED_TASK: { label: 'Cost per task', term: 'costPerAccepted', format: money, isLowerBetter: true },
  LATENCY: { label: 'Latency', term: 'latency', format: duration, isLowerBetter: true },
  TIME_TO_FIRST_TOKEN: { label: 'First token', term: 'firstToken', format: duration, isLowerBetter: true },
  TIME_PER_ACCEPTED_TASK: { label: 'Time per task', term: 'timePerAccepted', format: duration, isLowerBetter: true },
};
export const RANKED_METRIC_NAMES = Object.keys(RANKED_METRICS) as RankedMetricName[];

/** What a measure is called: the metric, and which quantile where it is not the median. */
export function measureLabel({ metric, quantile }: RankedMeasure): string {
  const { label } = RANKED_METRICS[metric];
  if (metric !== 'LATENCY' && metric !== 'TIME_TO_FIRST_TOKEN') return label;
  return quantile === null || quantile === 0.5 ? label : `${label} p${Number((quantile * 100).toFixed(1))}`;
}

/** What is known of a candidate in a metric, by the median where it has quantiles unless another is named. */
export function estimateOf(
  { estimates }: Pick<RankedCandidate, 'estimates'>,
  metric: RankedMetricName,
  quantile = 0.5,
): RankedEstimate | null {
  return estimates.find(({ measure }) => measure.metric === metric && (measure.quantile ?? 0.5) === quantile) ?? null;
}

/** A value with its interval in words: "0.912 (0.880 – 0.941)". */
export function intervalWords(
  format: (value: number | null) => Figure,
  one: Omit<RankedEstimate, 'measure' | 'evidence_count'>,
): string {
  return `${text(format(one.value))} (${text(format(one.low))} – ${text(format(one.high))})`;
}

export interface Bound {
  name: BoundName;
  facet: Facet;
  label: string;
  unit: string;
  /** What a number in the field is multiplied by. */
  factor: number;
  step: number;
  most?: number;
  meaning: string;
}

export const BOUNDS: readonly Bound[] = [
  {
    ...{
      name: 'min_success_ratio',
      facet: 'min_success',
      label: 'Success ≥',
      unit: '%',
      factor: 0.01,
      step: 0.5,
      most: 100,
    },
    meaning: 'Who succeeds less often than that, or may do so, is left out.',
  },
  {
    ...{
      name: 'min_quality_ratio',
      facet: 'min_quality',
      label: 'Quality ≥',
      unit: '',
      factor: 1,
      step: 0.01,
      most: 1,
    },
    meaning: 'Who is scored below that, or may be, is left out.',
  },
  {
    ...{ name: 'max_p95_latency_s', facet: 'max_latency', label: 'Latency p95 ≤', unit: 's', factor: 1, step: 0.5 },
    meaning: 'Who takes longer than that in 5 of 100 calls, or may do so, is left out.',
  },
  {
    ...{
      name: 'max_cost_per_task_usd',
      facet: 'max_cost',
      label: 'Cost per task ≤',
      unit: '$',
      factor: 1,
      step: 0.001,
    },
    meaning: 'Whose accepted tasks cost more than that, or may do so, is left out.',
  },
  {
    ...{ name: 'min_call_count', facet: 'min_calls', label: 'Calls ≥', unit: '', factor: 1, step: 10 },
    meaning: 'Who has had fewer calls on this task, old ones counting for less, is left out.',
  },
];

/** The bounds that the address asks for. What is no number above zero is none. */
export function boundsOf(facets: Readonly<Partial<Record<Facet, string>>>): Partial<Record<BoundName, string>> {
  const asked: Partial<Record<BoundName, string>> = {};
  for (const { name, facet, factor, most } of BOUNDS) {
    const value = Number(facets[facet] ?? '');
    if (value > 0 && value < (most ?? Infinity) + 1e-9) asked[name] = String(Number((value * factor).toPrecision(10)));
  }
  return asked;
}

export const WEIGHT_MOST = 10;
export type Weights = Readonly<Record<RankedMetricName, number>>;

/** Weights by metric from text such as "quality:4,latency:1"; what makes no sense weighs nothing. */
export function parseWeights(words: string): Weights {
  const given = new Map(words.split(',').map((part) => [part.split(':')[0]!, part.split(':')[1] ?? ''] as const));
  const entries = RANKED_METRIC_NAMES.map((metric) => {
    const weight = Number(given.get(metric.toLowerCase()) ?? 0);
    return [metric, weight > 0 ? Math.min(weight, WEIGHT_MOST) : 0] as const;
  });
  return Object.fromEntries(entries) as Weights;
}

export function weightsText(weights: Weights): string {
  const kept = RANKED_METRIC_NAMES.filter((metric) => weights[metric] > 0);
  return kept.map((metric) => `${metric.toLowerCase()}:${weights[metric]}`).join(',');
}

/** Each metric's weight by the sum of all; nothing for none. */
export function weightShares(weights: Weights): Weights {
  const sum = RANKED_METRIC_NAMES.reduce((total, metric) => total + weights[metric], 0) || 1;
  return Object.fromEntries(RANKED_METRIC_NAMES.map((metric) => [metric, weights[metric] / sum])) as Weights;
}

/** What was asked of a kept ranking, in few words. */
export function questionWords(question: Readonly<Record<string, unknown>>): string {
  const { preset, weights, constraints } = question;
  const isWeighted = Array.isArray(weights) && weights.length > 0;
  const name = typeof preset === 'string' ? preset.replace('OBJECTIVE_PRESET_', '').toLowerCase() : '';
  const objective = isWeighted ? 'own weights' : name && name !== 'unspecified' ? name : 'balanced';
  const bounds = Array.isArray(constraints) ? constraints.length : 0;
  return bounds > 0 ? `${objective}, ${plural(bounds, 'bound')}` : objective;
}

type PolicyName = ReplayedPolicy['policy'];
type OutcomeName = ReplayedOutcome['outcome'];

export const POLICIES: Readonly<Record<PolicyName, readonly [label: string, meaning: string]>> = {
  SUGGESTED_SHARE: ['The suggested shares', 'Choosing by the shares of the ranking, as it was then.'],
  FIRST: ['Always the first', 'Choosing whoever was the first of the ranking then.'],
  FIXED: ['Always the same', 'Choosing whoever had been used most when the range began.'],
  CHEAPEST: ['The cheapest', 'Choosing the least mean cost of a call so far.'],
  LOWEST_LATENCY: ['The fastest', 'Choosing the lowest mean time of a call so far.'],
  RANDOM: ['By chance', 'Choosing all that were allowed and had been seen, alike.'],
  AS_IT_WAS: ['As it was', 'What callers chose.'],
};

export const OUTCOMES: Readonly<
  Record<OutcomeName, { label: string; format: (value: number | null) => Figure; isLowerBetter: boolean }>
> = {
  QUALITY: { label: 'Quality', format: score, isLowerBetter: false },
  SUCCESS: { label: 'Success', format: ratio, isLowerBetter: false },
  COST: { label: 'Cost per call', format: money, isLowerBetter: true },
  LATENCY: { label: 'Time per call', format: duration, isLowerBetter: true },
};
export const OUTCOME_NAMES = Object.keys(OUTCOMES) as OutcomeName[];

export interface TradeOff {
  candidate: RankedCandidate;
  x: RankedEstimate;
  y: RankedEstimate;
  /** Nobody is better in one and at least as good in the other. */
  isOnFront: boolean;
}

/** The candidates of which both metrics are known, and which of them nobody beats in both. */
export function tradeOffs(
  candidates: readonly RankedCandidate[],
  across: RankedMetricName,
  up: RankedMetricName,
): TradeOff[] {
  const sign = (metric: RankedMetricName): number => (RANKED_METRICS[metric].isLowerBetter ? 1 : -1);
  const known = candidates.flatMap((candidate) => {
    const [x, y] = [estimateOf(candidate, across), estimateOf(candidate, up)];
    return isWhole(x) && isWhole(y) ? [{ candidate, x, y, a: sign(across) * x.value!, b: sign(up) * y.value! }] : [];
  });
  return known.map(({ candidate, x, y, a, b }) => ({
    ...{ candidate, x, y },
    isOnFront: !known.some((one) => one.a <= a && one.b <= b && (one.a < a || one.b < b)),
  }));
}

function isWhole(estimate: RankedEstimate | null): estimate is RankedEstimate {
  return estimate !== null && estimate.value !== null && estimate.low !== null && estimate.high !== null;
}
