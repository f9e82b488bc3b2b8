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
export type LiveAnomalies = Schemas['LiveAnomalies'];
export type LiveHeartbeat = Schemas['LiveHeartbeat'];

export type Anomaly = Schemas['Anomaly'];
export type AnomaliesPage = Schemas['AnomaliesPage'];
export type AnomalyPart = Schemas['AnomalyPart'];
export type WholeAnomaly = Schemas['WholeAnomaly'];
export type AnomalyKind = Anomaly['kind'];
export type MetricName = Anomaly['metric'];
export type Severity = Anomaly['severity'];
export type MarkName = Schemas['Mark']['mark'];
export type BaselineBands = Schemas['BaselineBands'];
export type BaselinePoint = Schemas['BaselinePoint'];
export type AcceptedShift = Schemas['AcceptedShift'];
export type ShiftAnswer = Schemas['ShiftAnswer'];
export type ShiftsPage = Schemas['ShiftsPage'];

export type Alert = Schemas['Alert'];
export type AlertState = Alert['state'];
export type AlertsPage = Schemas['AlertsPage'];
export type AlertTransition = Schemas['AlertTransition'];
export type WholeAlert = Schemas['WholeAlert'];
export type LiveAlerts = Schemas['LiveAlerts'];
export type Rule = Schemas['Rule'];
export type RuleBody = Schemas['RuleBody'];
export type RulesPage = Schemas['RulesPage'];
export type Threshold = Schemas['Threshold'];
export type Backtest = Schemas['Backtest'];

export type Dimension = keyof SeriesKey;

/** Values to keep, by dimension. Within one dimension any of them will do. */
export type Filters = Partial<Record<Dimension, readonly string[]>>;
