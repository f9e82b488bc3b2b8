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
export type BaselineBand = Schemas['BaselineBand'];
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

export type Ranking = Schemas['Ranking'];
export type RankedCandidate = Schemas['RankedCandidate'];
export type RankedEstimate = Schemas['RankedEstimate'];
export type RankedMeasure = Schemas['RankedMeasure'];
export type RankedMetricName = RankedMeasure['metric'];
export type KeptRanking = Schemas['KeptRanking'];
export type RankingsPage = Schemas['RankingsPage'];
export type RankingBacktest = Schemas['RankingBacktest'];
export type ReplayedPolicy = Schemas['ReplayedPolicy'];
export type ReplayedOutcome = Schemas['ReplayedOutcome'];
export type LeftOutCandidate = Schemas['LeftOutCandidate'];

export type StoredCall = Schemas['StoredCall'];
export type CallWithEvidence = Schemas['CallWithEvidence'];
export type CallOutcome = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'RATE_LIMITED' | 'REFUSED' | 'CANCELLED';
export type SeriesPage = Schemas['SeriesPage'];
export type Ledger = Schemas['Ledger'];
export type Storage = Schemas['Storage'];

export type Silence = Schemas['Silence'];
export type SilenceBody = Schemas['SilenceBody'];
export type SilencesPage = Schemas['SilencesPage'];
export type SilencePreview = Schemas['SilencePreview'];
export type Receiver = Schemas['Receiver'];
export type ReceiverBody = Schemas['ReceiverBody'];
export type ReceiversPage = Schemas['ReceiversPage'];
export type ReceiverTest = Schemas['ReceiverTest'];
export type Delivery = Schemas['Delivery'];
export type DeliveryState = Delivery['state'];
export type DeliveriesPage = Schemas['DeliveriesPage'];
export type Policy = Schemas['NotificationPolicy'];
export type PolicyBody = Schemas['NotificationPolicyBody'];
export type PolicyRoute = Schemas['Route'];
export type EscalationPolicy = Schemas['EscalationPolicy'];
export type Rota = Schemas['Rota'];
export type MuteTime = Schemas['MuteTime'];
export type InhibitionRule = Schemas['InhibitionRule'];

export type Project = Schemas['Project'];
export type ProjectsPage = Schemas['ProjectsPage'];
export type Key = Schemas['Key'];
export type KeysPage = Schemas['KeysPage'];
export type CreatedKey = Schemas['CreatedKey'];
export type AuditEvent = Schemas['AuditEvent'];
export type AuditPage = Schemas['AuditPage'];
export type Role = Key['roles'][number];

export type Prompt = Schemas['Prompt'];
export type Prompts = Schemas['Prompts'];
export type PromptVersion = Schemas['PromptVersion'];
export type PromptComparison = Schemas['PromptComparison'];
export type ComparedVersion = Schemas['ComparedVersion'];
export type PromptEffect = Schemas['PromptEffect'];
export type PromptMetricName = PromptEffect['metric'];
export type PromptVerdict = PromptEffect['verdict'];
export type PromptStratum = Schemas['PromptStratum'];
export type PromptPoint = Schemas['PromptPoint'];
export type PromptRanking = Schemas['PromptRanking'];

export type Quality = Schemas['Quality'];
export type QualityPage = Schemas['QualityPage'];
export type QualitySummary = Schemas['QualitySummary'];
export type QualitySummaries = Schemas['QualitySummaries'];
export type QualityWeights = Schemas['QualityWeights'];
export type QualityTaskTypeWeights = Schemas['QualityTaskTypeWeights'];
export type QualityCalibration = Schemas['QualityCalibration'];
export type QualityFinding = Schemas['QualityFinding'];
export type QualityComponent = QualityFinding['component'];

export type ReportSummary = Schemas['ReportSummary'];
export type ReportsPage = Schemas['ReportsPage'];
export type ReportBody = Partial<Schemas['ReportBody']> & { report_id: string };
export type ReportPeriod = NonNullable<ReportSummary['period']>;
export type ReportWithContent = Schemas['ReportWithContent'];
export type ReportSchedule = Schemas['ReportSchedule'];
export type ReportScheduleBody = Schemas['ReportScheduleBody'];
export type ReportSchedulesPage = Schemas['ReportSchedulesPage'];
export type ScheduleRun = Schemas['ScheduleRun'];
export type ScheduleRunsPage = Schemas['ScheduleRunsPage'];
export type Recommendation = Schemas['Recommendation'];
export type RecommendationState = Recommendation['state'];
export type RecommendationsPage = Schemas['RecommendationsPage'];
export type ReportLink = Schemas['ReportLink'];

export type Dimension = keyof SeriesKey;

/** Values to keep, by dimension. Within one dimension any of them will do. */
export type Filters = Partial<Record<Dimension, readonly string[]>>;
