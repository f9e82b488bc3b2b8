// The metrics that have a baseline: what they are called, how their values are written, and where they are in what was measured.
import type { AnomalyKind, MetricName, MetricWindow } from '../api/model';
import type { Term } from '../definitions';
import { count, duration, money, NONE, ratio, score, type Figure } from '../format/format';

type Maybe = number | null | undefined;

export interface Metric {
  label: string;
  term: Term;
  format: (value: Maybe) => Figure;
  /** Its value in a window; null where there is none. */
  of: (window: MetricWindow) => number | null;
}

const HOUR_MS = 3_600_000;

const perEach = (sum: number, number: number): number | null => (number > 0 ? sum / number : null);

function perHour(value: Maybe): Figure {
  const figure = count(value === null || value === undefined ? value : Math.round(value * 10) / 10);
  return figure === NONE ? NONE : { ...figure, unit: '/h', exact: `${figure.exact} calls an hour` };
}

function hoursOf({ start, end }: MetricWindow): number {
  return (Date.parse(end) - Date.parse(start)) / HOUR_MS;
}

function decimal(value: Maybe): Figure {
  return value === null || value === undefined
    ? NONE
    : { value: value.toFixed(2), unit: '', exact: value.toPrecision(6) };
}

export const METRICS: Readonly<Record<MetricName, Metric>> = {
  SUCCESS_RATIO: { label: 'Success', term: 'success', format: ratio, of: (window) => window.success_ratio },
  LATENCY: {
    label: 'Latency',
    term: 'typicalLatency',
    format: duration,
    of: (window) => window.latency_s?.p50 ?? null,
  },
  LATENCY_P95: { label: 'Latency p95', term: 'p95', format: duration, of: (window) => window.latency_s?.p95 ?? null },
  TIME_TO_FIRST_TOKEN: {
    label: 'First token',
    term: 'firstToken',
    format: duration,
    of: (window) => window.time_to_first_token_s?.p50 ?? null,
  },
  COST_PER_CALL: {
    label: 'Cost per call',
    term: 'costPerCall',
    format: money,
    of: (window) => perEach(window.cost_usd, window.call_count - window.cost_unknown_count),
  },
  OUTPUT_TOKENS: {
    label: 'Output tokens',
    term: 'outputTokens',
    format: (value) => count(value === null || value === undefined ? value : Math.round(value), 'tokens a call'),
    of: (window) => perEach(window.output_token_count, window.call_count),
  },
  REVISIONS: {
    label: 'Revisions',
    term: 'revisions',
    format: decimal,
    of: (window) => perEach(window.revision_count, window.task_count),
  },
  QUALITY: { label: 'Quality', term: 'quality', format: score, of: (window) => window.quality_ratio },
  CALL_VOLUME: {
    label: 'Call volume',
    term: 'volume',
    format: perHour,
    of: (window) => perEach(window.call_count, hoursOf(window)),
  },
};

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** How an anomaly shows: in one word, and what that word means. */
export const KINDS: Readonly<Record<AnomalyKind, { label: string; meaning: string }>> = {
  SHIFT: { label: 'Shift', meaning: 'Another level from some moment on.' },
  SPIKE: { label: 'Spike', meaning: 'Single windows far out of what is usual.' },
  DRIFT: { label: 'Drift', meaning: 'A slow change.' },
  SILENCE: { label: 'Silence', meaning: 'Calls are expected, and there are none.' },
  FIELD_MISSING: { label: 'Field missing', meaning: 'Calls no longer carry what they nearly always did.' },
};

export const KIND_NAMES = Object.keys(KINDS) as AnomalyKind[];
