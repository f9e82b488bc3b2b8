// Which anomalies are open, in the order in which they matter, and which of them concern a row or a chart.
import type { Anomaly, LiveAnomalies, SeriesKey, Severity } from '../api/model';

export const SEVERITIES: readonly Severity[] = ['CRITICAL', 'WARNING', 'INFO'];

/** The most severe first, among those the latest begun; equal ones by id, so that nothing jumps about. */
export function bySeverity(a: Anomaly, b: Anomaly): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    Date.parse(b.start_time) - Date.parse(a.start_time) ||
    (a.anomaly_id < b.anomaly_id ? -1 : 1)
  );
}

/** The open ones after an event: what came replaces what was known of it, and what is over goes. */
export function merged(known: readonly Anomaly[], event: Pick<LiveAnomalies, 'is_snapshot' | 'anomalies'>): Anomaly[] {
  const byId = new Map(event.is_snapshot ? [] : known.map((one) => [one.anomaly_id, one]));
  for (const one of event.anomalies) {
    if (one.is_open) byId.set(one.anomaly_id, one);
    else byId.delete(one.anomaly_id);
  }
  return [...byId.values()].sort(bySeverity);
}

/** Those whose scope holds the row: whatever a scope leaves out, it holds all of. One that names neither concerns no row more than another. */
export function concerning(anomalies: readonly Anomaly[], provider: string, taskType: string): Anomaly[] {
  const holds = (part: string | null | undefined, value: string): boolean => typeof part !== 'string' || part === value;
  return anomalies.filter(({ scope }) => {
    const isNamed = typeof scope.provider === 'string' || typeof scope.task_type === 'string';
    return isNamed && holds(scope.provider, provider) && holds(scope.task_type, taskType);
  });
}

/** Whom an anomaly concerns, in words: "anthropic claude-x on code_review". */
export function scopeWords({ provider, model, task_type, prompt_name, prompt_version }: SeriesKey): string {
  const whom = [provider, model].filter(Boolean).join(' ');
  const prompt = [prompt_name, prompt_version].filter(Boolean).join(' ');
  const words = [whom, task_type && (whom ? `on ${task_type}` : task_type), prompt && `with prompt ${prompt}`];
  return words.filter(Boolean).join(' ') || 'the whole project';
}

/** The explanation as a sentence of its own, whose numbers keep their units. */
export function sentence(explanation: string): string {
  const kept = explanation.replace(/(\d) (%|s|ms|UTC)(?!\w)/g, '$1\u00a0$2');
  return kept.charAt(0).toUpperCase() + kept.slice(1);
}
