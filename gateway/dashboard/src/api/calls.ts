// The calls themselves, and the series that there are.
import { addFilters, ApiError, get } from './client';
import type { CallOutcome, CallsPage, CallWithEvidence, Filters, SeriesKey, SeriesPage } from './model';

export interface CallsQuery {
  project: string;
  /** As the gateway reads times, such as -3600s; empty: as far back as calls are kept. */
  start?: string;
  end?: string;
  filters?: Filters;
  outcome?: CallOutcome | undefined;
  taskId?: string;
  agent?: string;
  pageSize?: number;
  pageToken?: string;
}

/** A page of calls, the latest started first. */
export function listCalls(query: CallsQuery, signal?: AbortSignal): Promise<CallsPage> {
  const parameters = new URLSearchParams({ project: query.project });
  if (query.start) parameters.set('start', query.start);
  if (query.end) parameters.set('end', query.end);
  if (query.outcome) parameters.set('outcome', query.outcome);
  if (query.taskId) parameters.set('task_id', query.taskId);
  if (query.agent) parameters.set('agent', query.agent);
  if (query.pageSize !== undefined) parameters.set('page_size', String(query.pageSize));
  if (query.pageToken) parameters.set('page_token', query.pageToken);
  addFilters(parameters, query.filters ?? {});
  return get(`/api/v1/calls?${parameters}`, signal);
}

/** One call with its evidence. Raises an ApiError CALL_UNKNOWN. */
export function getCall(project: string, callId: string, signal?: AbortSignal): Promise<CallWithEvidence> {
  return get(`/api/v1/calls/${encodeURIComponent(callId)}?${new URLSearchParams({ project })}`, signal);
}

/** The call, if there is one with that id. */
export async function findCall(project: string, callId: string, signal?: AbortSignal): Promise<CallWithEvidence | null> {
  try {
    return await getCall(project, callId, signal);
  } catch (error) {
    if (error instanceof ApiError && error.isFinal) return null;
    throw error;
  }
}

// As many as are worth offering in a list to choose from.
const SERIES_MOST = 1_000;

/** The series that have been seen, at most SERIES_MOST. */
export async function listSeries(project: string, signal?: AbortSignal): Promise<SeriesKey[]> {
  const parameters = new URLSearchParams({ project, page_size: String(SERIES_MOST) });
  const page = await get<SeriesPage>(`/api/v1/series?${parameters}`, signal);
  return page.series.map(({ key }) => key as SeriesKey);
}
