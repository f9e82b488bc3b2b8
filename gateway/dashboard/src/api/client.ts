// The one way to the gateway's REST routes: JSON in and out, problems as exceptions.
import type { CallsPage, Filters, Metrics, Problem, Session } from './model';

/** An answer that is not a success; `reason` is for programs, the message for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
  ) {
    super(detail);
    this.name = 'ApiError';
  }

  /** The question is at fault: asking again does not help. */
  get isFinal(): boolean {
    return this.status === 400 || this.status === 403 || this.status === 404;
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

export interface MetricsQuery {
  project: string;
  start: string;
  end?: string;
  step_s?: number;
  time_zone: string;
  group_by: readonly string[];
  filters: Filters;
}

// Longer than the slowest query that is promised (8 s for 90 days in another zone).
const TIMEOUT_MS = 20_000;
/** For what is worked out or sent while one waits: a little longer than the gateway waits for it. */
export const SLOW_TIMEOUT_MS = 65_000;

async function problemOf(response: Response): Promise<ApiError> {
  const body: Partial<Problem> = await response.json().catch(() => ({}));
  return new ApiError(response.status, body.reason ?? '', body.detail ?? body.title ?? `HTTP ${response.status}`);
}

async function send(path: string, options: RequestInit = {}, timeoutMs = TIMEOUT_MS): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(path, { ...options, signal, headers: { Accept: 'application/json', ...options.headers } });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
    throw isTimeout
      ? new ApiError(0, 'TIMEOUT', 'Assay took too long to answer.')
      : new ApiError(0, 'UNREACHABLE', 'Assay cannot be reached.');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Reads. */
export async function get<T>(path: string, signal?: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<T> {
  const response = await send(path, signal ? { signal } : {}, timeoutMs);
  return (await response.json()) as T;
}

/** Whether what a frame is to show can be had: a frame itself cannot say why it stays empty. Raises an ApiError if not. */
export async function probe(path: string, signal?: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<true> {
  const response = await send(path, signal ? { signal } : {}, timeoutMs);
  await response.body?.cancel();
  return true;
}

async function change<T>(
  method: 'POST' | 'PUT' | 'PATCH',
  path: string,
  body: unknown,
  signal?: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  const options = { method, headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) };
  const response = await send(path, options, timeoutMs);
  return (await response.json()) as T;
}

/** Does something, and returns what is said of it. */
export function post<T>(path: string, body: unknown, signal?: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<T> {
  return change('POST', path, body, signal, timeoutMs);
}

/** Replaces something, and returns what it is then. */
export function put<T>(path: string, body: unknown): Promise<T> {
  return change('PUT', path, body);
}

/** Changes what is given of something, and returns what it is then. */
export function patch<T>(path: string, body: unknown): Promise<T> {
  return change('PATCH', path, body);
}

/** Ends something. */
export async function remove(path: string): Promise<void> {
  await send(path, { method: 'DELETE' });
}

/** Puts the values that are to be kept into a query, by dimension. */
export function addFilters(parameters: URLSearchParams, filters: Filters): void {
  for (const [dimension, values] of Object.entries(filters)) {
    for (const value of values ?? []) parameters.append(dimension, value);
  }
}

/** The parameters that /metrics and /stream share. */
export function seriesParameters(
  query: Pick<MetricsQuery, 'project' | 'time_zone' | 'group_by' | 'filters'>,
): URLSearchParams {
  const parameters = new URLSearchParams({ project: query.project, tz: query.time_zone });
  if (query.group_by.length > 0) parameters.set('group_by', query.group_by.join(','));
  addFilters(parameters, query.filters);
  return parameters;
}

/** Sums up calls by group and window; without a step, one window for the whole range. */
export function getMetrics(query: MetricsQuery, signal?: AbortSignal): Promise<Metrics> {
  const parameters = seriesParameters(query);
  parameters.set('start', query.start);
  if (query.end !== undefined) parameters.set('end', query.end);
  if (query.step_s !== undefined) parameters.set('step', String(query.step_s));
  return get(`/api/v1/metrics?${parameters}`, signal);
}

/** When the latest call of the project started; null if it has none. */
export async function getLatestCallTime(project: string): Promise<number | null> {
  const page = await get<CallsPage>(`/api/v1/calls?${new URLSearchParams({ project, page_size: '1' })}`);
  const start = page.calls[0]?.start_time;
  return start ? Date.parse(start) : null;
}

/** Who is signed in. Raises an ApiError that `isSignedOut` when nobody is. */
export function getSession(): Promise<Session> {
  return get('/api/v1/session');
}

/** Signs in by the one-time token of a login link, or by a key. */
export async function signIn(credential: { token: string } | { key: string }): Promise<void> {
  await send('/api/v1/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credential),
  });
}

/** Signs out; the session's key is revoked. */
export async function signOut(): Promise<void> {
  await send('/api/v1/session', { method: 'DELETE' });
}
