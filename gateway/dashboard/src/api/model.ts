// Short names for what the gateway says. The shapes themselves are in types.ts, which is generated.
import type { components } from './types';

type Schemas = components['schemas'];

export type Quantiles = Schemas['Quantiles'];
export type MetricWindow = Schemas['Window'];

/** A dimension that was not grouped by is left out. */
export type SeriesKey = Partial<Schemas['SeriesKey']>;
export type MetricSeries = Omit<Schemas['MetricSeries'], 'key'> & { key: SeriesKey };
export type Metrics = Omit<Schemas['Metrics'], 'series'> & { series: MetricSeries[] };
export type LedgerCounts = Schemas['LedgerCounts'];
export type Session = Schemas['Session'];
export type CallsPage = Schemas['CallsPage'];
export type Problem = Schemas['ProblemDocument'];

/** `metrics` and `totals`: the whole answer, or the windows of it that changed. */
export type LiveMetrics = Omit<Schemas['LiveMetrics'], 'series'> & { series: MetricSeries[] };
export type LiveLedger = Schemas['LiveLedger'];
export type LiveHeartbeat = Schemas['LiveHeartbeat'];

export type Dimension = keyof SeriesKey;

/** Values to keep, by dimension. Within one dimension any of them will do. */
export type Filters = Partial<Record<Dimension, readonly string[]>>;
