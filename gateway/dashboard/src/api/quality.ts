// How good answers are, as the analyzer scores them.
import { addFilters, get } from './client';
import type { Dimension, Filters, Quality, QualityPage, QualitySummaries } from './model';

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
