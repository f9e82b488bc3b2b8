// What a comparison of prompts says, made ready to be shown.
import type { PromptEffect, PromptMetricName, PromptPoint, PromptVerdict } from '../api/model';
import type { Term } from '../definitions';
import { count, duration, money, NONE, ratio, score, signed, text, type Figure } from '../format/format';

interface PromptMetricInfo {
  label: string;
  term: Term;
  /** A mean of one version. */
  format: (value: number | null) => Figure;
  /** A difference on the scale of the comparison, in words. */
  difference: (value: number) => string;
  isLowerBetter: boolean;
}

const percent = (value: number): string => `${signed(value * 100, Math.abs(value) < 0.1 ? 1 : 0)}\u202f%`;
const points = (value: number): string => `${signed(value * 100, 1)}\u202fpts`;

function decimal(value: number | null): Figure {
  return value === null ? NONE : { value: value.toFixed(2), unit: '', exact: value.toPrecision(6) };
}

export const PROMPT_METRICS: Readonly<Record<PromptMetricName, PromptMetricInfo>> = {
  QUALITY: {
    label: 'Quality',
    term: 'quality',
    format: score,
    difference: (value) => signed(value, 3),
    isLowerBetter: false,
  },
  SUCCESS: { label: 'Success', term: 'success', format: ratio, difference: points, isLowerBetter: false },
  LATENCY: {
    ...{ label: 'Latency', term: 'latency', format: duration, isLowerBetter: true },
    difference: (value) => percent(Math.expm1(value)),
  },
  COST: { label: 'Cost', term: 'costPerCall', format: money, difference: percent, isLowerBetter: true },
  REVISIONS: {
    ...{ label: 'Revisions', term: 'revisions', format: decimal, isLowerBetter: true },
    difference: (value) => signed(value, 2),
  },
};
export const PROMPT_METRIC_NAMES = Object.keys(PROMPT_METRICS) as PromptMetricName[];

/** A baseline as the address has it: with a sign before it, since a version may be without a name. */
export function baselineFacet(version: string): string {
  return `=${version}`;
}

/** The baseline that an address asks for; null for none. */
export function baselineOf(facet: string | undefined): string | null {
  return facet ? facet.replace(/^=/, '') : null;
}

interface VerdictInfo {
  label: string;
  sign: string;
  tone: 'good' | 'bad' | 'calm' | 'open';
}

export const VERDICTS: Readonly<Record<PromptVerdict, VerdictInfo>> = {
  BETTER: { label: 'Better', sign: '▲', tone: 'good' },
  WORSE: { label: 'Worse', sign: '▼', tone: 'bad' },
  NO_DIFFERENCE: { label: 'No difference', sign: '=', tone: 'calm' },
  UNDECIDED: { label: 'Undecided', sign: '?', tone: 'open' },
};

/** The interval in words; open ends are said to be. */
export function differenceWords(metric: PromptMetricName, { low, high }: Pick<PromptEffect, 'low' | 'high'>): string {
  const { difference } = PROMPT_METRICS[metric];
  if (low === null && high === null) return 'nothing known yet';
  if (low === null) return `at most ${difference(high!)}`;
  return high === null ? `at least ${difference(low)}` : `${difference(low)} to ${difference(high)}`;
}

/** How far it is to a verdict; empty where there is one. */
export function furtherWords({ verdict, further_call_count: further }: PromptEffect): string {
  if (verdict !== 'UNDECIDED') return '';
  if (further === null) return 'no verdict in sight';
  return `about ${text(count(Math.ceil(further)))} more calls`;
}

export interface SequenceExtent {
  low: number;
  high: number;
}

// The early intervals are as wide as the sky; what is drawn is what they have narrowed to.
const EARLY_SHARE = 0.3;
const AIR_RATIO = 0.12;

/** What the axis of a sequence holds: the later intervals, zero and the margin, with some air. */
export function sequenceExtent(sequence: readonly PromptPoint[], margin: number): SequenceExtent {
  const known = sequence.filter(({ low, high }) => low !== null && high !== null);
  const late = known.slice(Math.floor(known.length * EARLY_SHARE));
  const low = Math.min(-margin * 1.5, ...late.map((point) => point.low!));
  const high = Math.max(margin * 1.5, ...late.map((point) => point.high!));
  const air = (high - low) * AIR_RATIO;
  return { low: low - air, high: high + air };
}
