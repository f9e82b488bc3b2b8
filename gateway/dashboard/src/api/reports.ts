// What the reporter knows: reports, what they recommend, and the schedules that they are made by.
import { get, patch, post, put, remove, SLOW_TIMEOUT_MS } from './client';
import type {
  Recommendation,
  RecommendationsPage,
  RecommendationState,
  ReportBody,
  ReportLink,
  ReportSchedule,
  ReportScheduleBody,
  ReportSchedulesPage,
  ReportsPage,
  ReportSummary,
  ReportWithContent,
  ScheduleRunsPage,
} from './model';

/** What a report can be saved as. A PDF needs an extra on the server. */
export const REPORT_FORMATS = ['html', 'markdown', 'json', 'csv', 'pdf'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

// A project has fewer schedules than fit on the largest page.
const ALL = '500';
const RUNS_SHOWN = '10';

function path(project: string, ...parts: readonly string[]): string {
  return `/api/v1/${parts.map(encodeURIComponent).join('/')}?${new URLSearchParams({ project })}`;
}

/** A page of reports, the latest first. */
export function listReports(project: string, pageToken: string, signal?: AbortSignal): Promise<ReportsPage> {
  return get(`${path(project, 'reports')}&${new URLSearchParams({ page_token: pageToken })}`, signal);
}

export function getReport(project: string, reportId: string, signal?: AbortSignal): Promise<ReportWithContent> {
  return get(path(project, 'reports', reportId), signal);
}

/** Makes a report, and answers when it is kept. */
export function generateReport(project: string, report: ReportBody): Promise<ReportSummary> {
  return post(path(project, 'reports'), report, undefined, SLOW_TIMEOUT_MS);
}

/** Where the report is in a form: to be shown, or to be saved. */
export function reportFile(project: string, reportId: string, format: ReportFormat, isDownload: boolean): string {
  const parameters = new URLSearchParams({ format, ...(isDownload ? { is_download: 'true' } : {}) });
  return `${path(project, 'reports', reportId, 'file')}&${parameters}`;
}

/** Has it delivered to receivers; to the same ones once. */
export function sendReport(project: string, reportId: string, receiverIds: readonly string[]): Promise<unknown> {
  const body = { receiver_ids: receiverIds };
  return post(path(project, 'reports', reportId, 'send'), body, undefined, SLOW_TIMEOUT_MS);
}

/** A link that shows this report to whoever has it. */
export function linkReport(project: string, reportId: string): Promise<ReportLink> {
  return post(path(project, 'reports', reportId, 'links'), {});
}

/** A page of recommendations, the latest first; `state` null: in any state. */
export function listRecommendations(
  project: string,
  state: RecommendationState | null,
  pageToken: string,
  signal?: AbortSignal,
): Promise<RecommendationsPage> {
  const parameters = new URLSearchParams({ page_token: pageToken, ...(state ? { state } : {}) });
  return get(`${path(project, 'recommendations')}&${parameters}`, signal);
}

/** Says what became of it. */
export function decideRecommendation(
  project: string,
  recommendationId: string,
  state: RecommendationState,
  comment: string,
): Promise<Recommendation> {
  return patch(path(project, 'recommendations', recommendationId), { state, comment });
}

/** All schedules, by id. */
export async function listSchedules(project: string, signal?: AbortSignal): Promise<readonly ReportSchedule[]> {
  return (await get<ReportSchedulesPage>(`${path(project, 'report-schedules')}&page_size=${ALL}`, signal)).schedules;
}

export function createSchedule(project: string, schedule: ReportScheduleBody): Promise<ReportSchedule> {
  return post(path(project, 'report-schedules'), schedule);
}

/** Replaces the schedule that was seen as `version`. */
export function saveSchedule(project: string, schedule: ReportScheduleBody, version: number): Promise<ReportSchedule> {
  return put(`${path(project, 'report-schedules', schedule.schedule_id)}&expected_version=${version}`, schedule);
}

/** Ends it; its reports stay. */
export function deleteSchedule(project: string, scheduleId: string): Promise<void> {
  return remove(path(project, 'report-schedules', scheduleId));
}

/** Its latest runs, the latest first. */
export function listRuns(project: string, scheduleId: string, signal?: AbortSignal): Promise<ScheduleRunsPage> {
  return get(`${path(project, 'report-schedules', scheduleId, 'runs')}&page_size=${RUNS_SHOWN}`, signal);
}
