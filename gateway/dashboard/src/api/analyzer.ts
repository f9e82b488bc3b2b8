// What the analyzer knows: anomalies, what is thought of them, and what is usual.
import { addFilters, get, post } from './client';
import type {
  AnomaliesPage,
  Anomaly,
  BaselineBands,
  Dimension,
  Filters,
  MarkName,
  MetricName,
  SeriesKey,
  ShiftAnswer,
  ShiftsPage,
  WholeAnomaly,
} from './model';

export interface AnomaliesQuery {
  project: string;
  /** Those that were not over then. */
  start?: string;
  /** Those that had begun before then. */
  end?: string;
  isOpen?: boolean;
  kind?: string;
  metric?: string;
  severityMin?: string;
  filters?: Filters;
  pageSize?: number;
  pageToken?: string;
}

/** A page of anomalies, the latest begun first. */
export function listAnomalies(query: AnomaliesQuery, signal?: AbortSignal): Promise<AnomaliesPage> {
  const given = {
    project: query.project,
    start: query.start,
    end: query.end,
    open: query.isOpen === undefined ? '' : String(query.isOpen),
    kind: query.kind,
    metric: query.metric,
    severity_min: query.severityMin,
    page_size: query.pageSize === undefined ? '' : String(query.pageSize),
    page_token: query.pageToken,
  };
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value) parameters.set(name, value);
  addFilters(parameters, query.filters ?? {});
  return get(`/api/v1/anomalies?${parameters}`, signal);
}

function pathOf(project: string, anomalyId: string, action = ''): string {
  return `/api/v1/anomalies/${encodeURIComponent(anomalyId)}${action}?${new URLSearchParams({ project })}`;
}

/** One anomaly with its parts, marks and calls. */
export function getAnomaly(project: string, anomalyId: string, signal?: AbortSignal): Promise<WholeAnomaly> {
  return get(pathOf(project, anomalyId), signal);
}

/** Notes what the one who is signed in thinks of it, in place of what they thought before. */
export function markAnomaly(project: string, anomalyId: string, mark: MarkName, comment: string): Promise<Anomaly> {
  return post(pathOf(project, anomalyId, '/mark'), { mark, comment });
}

export interface BaselinesQuery {
  project: string;
  metric: MetricName;
  startMs: number;
  endMs: number;
  step_s: number;
  filters: Filters;
  /** One band for each combination of these; without, one for all that the filters keep. */
  groupBy?: readonly Dimension[];
}

/** What was usual, as bands; none where nothing is known. */
export function getBaselines(query: BaselinesQuery, signal?: AbortSignal): Promise<BaselineBands> {
  const parameters = new URLSearchParams({
    project: query.project,
    metric: query.metric,
    start: new Date(query.startMs).toISOString(),
    end: new Date(query.endMs).toISOString(),
    step: String(query.step_s),
    ...(query.groupBy ? { group_by: query.groupBy.join(',') } : {}),
  });
  addFilters(parameters, query.filters);
  return get(`/api/v1/baselines?${parameters}`, signal);
}

/** Makes the level that a metric has now the usual one. */
export function acceptShift(project: string, key: SeriesKey, metric: MetricName): Promise<ShiftAnswer> {
  // An empty dimension of a series is left out of what the gateway says, and is empty where it is left out of what it is told.
  return post(`/api/v1/baselines/accept?${new URLSearchParams({ project })}`, { key, metric });
}

/** The levels that became usual, the latest first. */
export function listAcceptedShifts(project: string, signal?: AbortSignal): Promise<ShiftsPage> {
  return get(`/api/v1/baselines/accepted?${new URLSearchParams({ project, page_size: '200' })}`, signal);
}
