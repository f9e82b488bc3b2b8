// What the tables are written as: every number that is known of a row, not only those that there is room for on the page.
import type { Ledger, MetricSeries, MetricWindow, QualitySummary, RankedCandidate, SeriesKey, StoredCall } from '../api/model';
import { costOf, outcomeOf, secondsOf, tokensOf } from './calls';
import type { CsvColumn } from './csv';
import { COMPONENT_NAMES } from './quality';
import { estimateOf, RANKED_METRIC_NAMES } from './rankings';

/** One group over a stretch of time. */
export interface KeyedWindow {
  key: SeriesKey;
  window: MetricWindow;
}

/** Each window of an answer, with what it is of. */
export function keyedWindows(series: readonly MetricSeries[]): KeyedWindow[] {
  return series.flatMap(({ key, windows }) => windows.map((window) => ({ key, window })));
}

const OUTCOMES = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'RATE_LIMITED', 'REFUSED', 'CANCELLED'] as const;
const QUANTILES = ['p50', 'p90', 'p95', 'p99'] as const;

export const WINDOW_COLUMNS: readonly CsvColumn<KeyedWindow>[] = [
  ['provider', ({ key }) => key.provider ?? null],
  ['model', ({ key }) => key.model ?? null],
  ['task_type', ({ key }) => key.task_type ?? null],
  ['start', ({ window }) => window.start],
  ['end', ({ window }) => window.end],
  ['call_count', ({ window }) => window.call_count],
  ['success_ratio', ({ window }) => window.success_ratio],
  ...OUTCOMES.map(
    (name): CsvColumn<KeyedWindow> => [
      `${name.toLowerCase()}_count`,
      ({ window }) => window.outcome_counts[name] ?? 0,
    ],
  ),
  ...QUANTILES.map(
    (name): CsvColumn<KeyedWindow> => [`latency_${name}_s`, ({ window }) => window.latency_s?.[name] ?? null],
  ),
  ...QUANTILES.map(
    (name): CsvColumn<KeyedWindow> => [
      `time_to_first_token_${name}_s`,
      ({ window }) => window.time_to_first_token_s?.[name] ?? null,
    ],
  ),
  ['input_token_count', ({ window }) => window.input_token_count],
  ['output_token_count', ({ window }) => window.output_token_count],
  ['cache_read_token_count', ({ window }) => window.cache_read_token_count],
  ['cost_usd', ({ window }) => window.cost_usd],
  ['cost_unknown_count', ({ window }) => window.cost_unknown_count],
  ['task_count', ({ window }) => window.task_count],
  ['accepted_task_count', ({ window }) => window.accepted_task_count],
  ['cost_per_accepted_task_usd', ({ window }) => window.cost_per_accepted_task_usd],
  ['quality_ratio', ({ window }) => window.quality_ratio],
  ['quality_count', ({ window }) => window.quality_count],
];

export const CALL_COLUMNS: readonly CsvColumn<StoredCall>[] = [
  ['call_id', (call) => call.call_id],
  ['start_time', (call) => call.start_time ?? null],
  ['provider', (call) => call.provider ?? null],
  ['model', (call) => call.model ?? null],
  ['task_type', (call) => call.task_type ?? null],
  ['task_id', (call) => call.task_id ?? null],
  ['agent', (call) => call.agent ?? null],
  ['prompt_name', (call) => call.prompt_name ?? null],
  ['prompt_version', (call) => call.prompt_version ?? null],
  ['outcome', outcomeOf],
  ['error_type', (call) => call.error_type ?? null],
  ['latency_s', (call) => secondsOf(call.latency)],
  ['time_to_first_token_s', (call) => secondsOf(call.time_to_first_token)],
  ['input_token_count', (call) => tokensOf(call)?.input ?? null],
  ['output_token_count', (call) => tokensOf(call)?.output ?? null],
  ['cost_usd', costOf],
  ['quality_ratio', (call) => call.quality_ratio],
];

export const RANKING_COLUMNS: readonly CsvColumn<RankedCandidate>[] = [
  ['provider', ({ candidate }) => candidate.provider],
  ['model', ({ candidate }) => candidate.model],
  ['rank', (one) => one.rank],
  ['rank_low', (one) => one.rank_low],
  ['rank_high', (one) => one.rank_high],
  ['score', (one) => one.score],
  ['score_low', (one) => one.score_low],
  ['score_high', (one) => one.score_high],
  ['probability_best', (one) => one.probability_best],
  ['suggested_share', (one) => one.suggested_share],
  ['call_count', (one) => one.call_count],
  ...RANKED_METRIC_NAMES.map(
    (metric): CsvColumn<RankedCandidate> => [metric.toLowerCase(), (one) => estimateOf(one, metric)?.value ?? null],
  ),
];

export const QUALITY_COLUMNS: readonly CsvColumn<QualitySummary>[] = [
  ['provider', ({ key }) => key?.provider ?? null],
  ['task_type', ({ key }) => key?.task_type ?? null],
  ['estimate_ratio', (one) => one.estimate_ratio],
  ['low_ratio', (one) => one.low_ratio],
  ['high_ratio', (one) => one.high_ratio],
  ['mean_ratio', (one) => one.mean_ratio],
  ['score_count', (one) => one.score_count],
  ...COMPONENT_NAMES.map(
    (name): CsvColumn<QualitySummary> => [
      `${name.toLowerCase()}_ratio`,
      ({ components }) => components.find(({ component }) => component === name)?.mean_ratio ?? null,
    ],
  ),
];

export const LEDGER_COLUMNS: readonly CsvColumn<Ledger['days'][number]>[] = [
  ['date', (day) => day.date],
  ['kind', (day) => day.kind],
  ['received_count', (day) => day.received_count],
  ['stored_count', (day) => day.stored_count],
  ['duplicate_count', (day) => day.duplicate_count],
  ['rejected_count', (day) => day.rejected_count],
  ['dead_lettered_count', (day) => day.dead_lettered_count],
  ['in_flight_count', (day) => day.in_flight_count],
  ['client_dropped_count', (day) => day.client_dropped_count],
];
