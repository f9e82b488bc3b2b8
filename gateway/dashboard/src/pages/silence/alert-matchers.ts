// The conditions that hit an alert and those like it.
import type { Matcher } from '../../metrics/matchers';

/** What an alert is of, not how bad it is now: it may get worse or better while it is silent. */
const TELLING = ['alertname', 'provider', 'model', 'task_type', 'prompt_name', 'prompt_version', 'metric', 'kind'];

export function matchersOf(labels: Readonly<Record<string, string>>): Matcher[] {
  return TELLING.flatMap((name) => (labels[name] ? [{ name, operator: '=' as const, value: labels[name] }] : []));
}
