// How good answers are, as the analyzer scores them.
import { addFilters, get, post, put, SLOW_TIMEOUT_MS } from './client';
import type {
  Dimension,
  Filters,
  Quality,
  QualityCalibration,
  QualityPage,
  QualitySummaries,
  QualityWeights,
} from './model';

export interface QualityQuery {
  project: string;
  startMs: number;
  endMs: number;
  filters: Filters;
}

function parametersOf({ project, startMs, endMs, filters }: QualityQuery): URLSearchParams {
  const parameters = new URLSearchParams({
    project,
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
  });
  addFilters(parameters, filters);
  return parameters;
}

/** Averages by group, and by window where there is a step. */
export function summarizeQuality(
  query: QualityQuery,
  groupBy: readonly Dimension[],
  step_s: number | null,
  signal?: AbortSignal,
): Promise<QualitySummaries> {
  const parameters = parametersOf(query);
  if (groupBy.length > 0) parameters.set('group_by', groupBy.join(','));
  if (step_s !== null) parameters.set('step', String(step_s));
  return get(`/api/v1/quality/summary?${parameters}`, signal);
}

export type QualityOrder = 'worst_first' | 'latest_first';

/** A page of scores, each with its most costly findings. */
export function listQuality(
  query: QualityQuery,
  order: QualityOrder,
  pageSize: number,
  pageToken: string,
  signal?: AbortSignal,
): Promise<QualityPage> {
  const parameters = parametersOf(query);
  parameters.set('order', order);
  parameters.set('page_size', String(pageSize));
  if (pageToken) parameters.set('page_token', pageToken);
  return get(`/api/v1/quality?${parameters}`, signal);
}

/** One score with its whole explanation. */
export function getQuality(
  project: string,
  { call_id: callId, task_id: taskId }: Pick<Quality, 'call_id' | 'task_id'>,
  signal?: AbortSignal,
): Promise<Quality> {
  const subject = taskId ? `tasks/${encodeURIComponent(taskId)}` : `calls/${encodeURIComponent(callId ?? '')}`;
  return get(`/api/v1/quality/${subject}?${new URLSearchParams({ project })}`, signal);
}

function weightsPath(
  project: string,
  action: 'weights' | 'calibrate' | 'rescore',
  asked: Record<string, string> = {},
): string {
  return `/api/v1/quality/${action}?${new URLSearchParams({ project, ...asked })}`;
}

/** What counts how much. */
export function getQualityWeights(project: string, signal?: AbortSignal): Promise<QualityWeights> {
  return get(weightsPath(project, 'weights'), signal);
}

/** Sets what counts how much from now on. Raises an ApiError VERSION_CONFLICT if somebody was faster. */
export function saveQualityWeights(project: string, weights: QualityWeights): Promise<QualityWeights> {
  return put(weightsPath(project, 'weights'), weights);
}

/** Fits the weights of a kind of task, all together if it is empty, to feedback. Raises an ApiError EVIDENCE_TOO_LITTLE. */
export function calibrateQuality(project: string, taskType: string): Promise<QualityCalibration> {
  return post(weightsPath(project, 'calibrate', { task_type: taskType }), {}, undefined, SLOW_TIMEOUT_MS);
}

/** Has the scores from `start` on made anew with the present weights, and says how many those are. */
export async function rescoreQuality(project: string, start: string): Promise<number> {
  const path = weightsPath(project, 'rescore', { start });
  return (await post<{ score_count: number }>(path, {})).score_count;
}
