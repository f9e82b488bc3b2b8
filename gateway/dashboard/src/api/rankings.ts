// Which provider and model to choose for a kind of task, as the analyzer ranks them.
import { get } from './client';
import type { KeptRanking, Ranking, RankingBacktest, RankingsPage } from './model';

export interface RankingQuery {
  project: string;
  taskType: string;
  /** A preset's name; of no meaning where there are weights. Empty: balanced. */
  objective: string;
  /** Such as "quality:0.7,latency:0.3". */
  weights: string;
  /** Bounds in the metric's unit, as text; empty ones are none. */
  bounds: Readonly<Partial<Record<BoundName, string>>>;
}

/** The bounds as the gateway calls them. */
export type BoundName =
  'min_success_ratio' | 'min_quality_ratio' | 'max_p95_latency_s' | 'max_cost_per_task_usd' | 'min_call_count';

// Fifty thousand calls take the collector a minute.
const BACKTEST_TIMEOUT_MS = 130_000;

function parametersOf(query: RankingQuery): URLSearchParams {
  const parameters = new URLSearchParams({ project: query.project });
  if (query.weights) parameters.set('weight', query.weights);
  else if (query.objective) parameters.set('objective', query.objective);
  for (const [name, bound] of Object.entries(query.bounds)) if (bound) parameters.set(name, bound);
  return parameters;
}

/** The candidates for a kind of task, the first first. */
export function rankProviders(query: RankingQuery, signal?: AbortSignal): Promise<Ranking> {
  return get(`/api/v1/rankings/${encodeURIComponent(query.taskType)}?${parametersOf(query)}`, signal);
}

/** A page of what was recommended for a kind of task, the latest first. */
export function listRankings(
  project: string,
  taskType: string,
  pageSize: number,
  pageToken: string,
  signal?: AbortSignal,
): Promise<RankingsPage> {
  const asked = { project, task_type: taskType, page_size: String(pageSize), page_token: pageToken };
  return get(`/api/v1/ranking-history?${new URLSearchParams(asked)}`, signal);
}

/** What was recommended, by the id that calls carry. */
export function getKeptRanking(project: string, rankingId: string, signal?: AbortSignal): Promise<KeptRanking> {
  return get(`/api/v1/ranking-history/${encodeURIComponent(rankingId)}?${new URLSearchParams({ project })}`, signal);
}

/** What following the ranking would have brought over the last week, and what other policies would have. */
export function backtestRanking(query: RankingQuery, signal?: AbortSignal): Promise<RankingBacktest> {
  const path = `/api/v1/ranking-backtests/${encodeURIComponent(query.taskType)}?${parametersOf(query)}`;
  return get(path, signal, BACKTEST_TIMEOUT_MS);
}
