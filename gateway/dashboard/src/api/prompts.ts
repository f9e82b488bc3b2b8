// Which version of a prompt does better, as the analyzer compares them.
import { get } from './client';
import type { PromptComparison, PromptMetricName, PromptRanking, Prompts } from './model';

/** The prompts of the last 30 days, the most used first. */
export function listPrompts(project: string, signal?: AbortSignal): Promise<Prompts> {
  return get(`/api/v1/prompts?${new URLSearchParams({ project })}`, signal);
}

export interface PromptQuery {
  project: string;
  promptName: string;
  /** Empty: all kinds, each compared within itself. */
  taskType: string;
}

function parametersOf({ project, promptName, taskType }: PromptQuery): URLSearchParams {
  const parameters = new URLSearchParams({ project, prompt_name: promptName });
  if (taskType) parameters.set('task_type', taskType);
  return parameters;
}

/** How the versions differ from one of them; `baseline` null: from the one that was used first. */
export function comparePrompts(
  query: PromptQuery,
  baseline: string | null,
  signal?: AbortSignal,
): Promise<PromptComparison> {
  const parameters = parametersOf(query);
  if (baseline !== null) parameters.set('baseline', baseline);
  return get(`/api/v1/prompts/compare?${parameters}`, signal);
}

/** The order of the versions by one metric. */
export function rankPrompts(
  query: PromptQuery,
  metric: PromptMetricName,
  signal?: AbortSignal,
): Promise<PromptRanking> {
  const parameters = parametersOf(query);
  parameters.set('metric', metric.toLowerCase());
  return get(`/api/v1/prompts/rank?${parameters}`, signal);
}
