// What the alerter knows: alerts and what people do with them, rules and what they would have done.
import { get, post, put, remove, SLOW_TIMEOUT_MS } from './client';
import type { Alert, AlertsPage, AlertState, Backtest, Rule, RuleBody, RulesPage, Severity, WholeAlert } from './model';

export interface AlertsQuery {
  project: string;
  states: readonly AlertState[];
  severities?: readonly Severity[];
  ruleId?: string;
  pageSize?: number;
  pageToken?: string;
}

/** A page of alerts, the latest begun first. */
export function listAlerts(query: AlertsQuery, signal?: AbortSignal): Promise<AlertsPage> {
  const parameters = new URLSearchParams({ project: query.project, state: query.states.join(',') });
  if (query.severities?.length) parameters.set('severity', query.severities.join(','));
  if (query.ruleId) parameters.set('rule_id', query.ruleId);
  if (query.pageSize !== undefined) parameters.set('page_size', String(query.pageSize));
  if (query.pageToken) parameters.set('page_token', query.pageToken);
  return get(`/api/v1/alerts?${parameters}`, signal);
}

function pathOf(project: string, alertId: string, action = ''): string {
  return `/api/v1/alerts/${encodeURIComponent(alertId)}${action}?${new URLSearchParams({ project })}`;
}

/** One alert with its history. */
export function getAlert(project: string, alertId: string, signal?: AbortSignal): Promise<WholeAlert> {
  return get(pathOf(project, alertId), signal);
}

export type AlertAction = 'acknowledge' | 'resolve';

/** Says that somebody looks after it, or ends it. */
export function actOn(project: string, alertId: string, action: AlertAction, comment: string): Promise<Alert> {
  return post(pathOf(project, alertId, `/${action}`), { comment });
}

/** All rules by id; a project has no more than a page of them. */
export function listRules(project: string, signal?: AbortSignal): Promise<RulesPage> {
  return get(`/api/v1/rules?${new URLSearchParams({ project, page_size: '1000' })}`, signal);
}

export function getRule(project: string, ruleId: string, signal?: AbortSignal): Promise<Rule> {
  return get(`/api/v1/rules/${encodeURIComponent(ruleId)}?${new URLSearchParams({ project })}`, signal);
}

/** Makes a rule. Raises an ApiError RULE_EXISTS if there is another one of its id. */
export function createRule(project: string, rule: RuleBody): Promise<Rule> {
  return post(`/api/v1/rules?${new URLSearchParams({ project })}`, rule);
}

/** Replaces the rule that was seen as `version`. Raises an ApiError RULE_CHANGED if somebody was faster. */
export function saveRule(project: string, rule: RuleBody, version: number): Promise<Rule> {
  const parameters = new URLSearchParams({ project, expected_version: String(version) });
  return put(`/api/v1/rules/${encodeURIComponent(rule.rule_id)}?${parameters}`, rule);
}

/** Ends the rule, and what is open of it. */
export function deleteRule(project: string, ruleId: string): Promise<void> {
  return remove(`/api/v1/rules/${encodeURIComponent(ruleId)}?${new URLSearchParams({ project })}`);
}

/** What the rule would have done over the last `range_s`, saved or not. */
export function backtestRule(
  project: string,
  rule: RuleBody,
  range_s: number,
  signal?: AbortSignal,
): Promise<Backtest> {
  const path = `/api/v1/rules/backtest?${new URLSearchParams({ project })}`;
  return post(path, { rule, range_s }, signal, SLOW_TIMEOUT_MS);
}
