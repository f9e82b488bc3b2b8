// Which alerts are not resolved, in the order in which they matter.
import type { Alert, AlertState, LiveAlerts } from '../api/model';
import { count, duration, money, ratio, text } from '../format/format';
import { SEVERITIES } from './anomalies';

/** What nobody looks after comes first. */
const STATES: readonly AlertState[] = ['FIRING', 'ACKNOWLEDGED', 'PENDING', 'RESOLVED', 'INACTIVE'];
const OVER: readonly AlertState[] = ['RESOLVED', 'INACTIVE'];

export const STATE_WORDS: Readonly<Record<AlertState, string>> = {
  PENDING: 'Pending',
  FIRING: 'Firing',
  ACKNOWLEDGED: 'Acknowledged',
  RESOLVED: 'Resolved',
  INACTIVE: 'Inactive',
};

/** Firing, acknowledged, pending; in each the most severe first, among those the latest begun; equal ones by id. */
export function byUrgency(a: Alert, b: Alert): number {
  return (
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    Date.parse(b.start_time) - Date.parse(a.start_time) ||
    (a.alert_id < b.alert_id ? -1 : 1)
  );
}

/** The unresolved ones after an event: what came replaces what was known of it, and what is over goes. */
export function mergedAlerts(known: readonly Alert[], event: Pick<LiveAlerts, 'is_snapshot' | 'alerts'>): Alert[] {
  const byId = new Map(event.is_snapshot ? [] : known.map((one) => [one.alert_id, one]));
  for (const one of event.alerts) {
    if (OVER.includes(one.state)) byId.delete(one.alert_id);
    else byId.set(one.alert_id, one);
  }
  return [...byId.values()].sort(byUrgency);
}

/** Those that fire now and did not before. */
export function begunToFire(before: readonly Alert[], now: readonly Alert[]): Alert[] {
  const known = new Set(before.filter((one) => one.state === 'FIRING').map((one) => one.alert_id));
  return now.filter((one) => one.state === 'FIRING' && !known.has(one.alert_id));
}

/** A value of an alert with its unit. Plain numbers have none. */
export function valueText(value: number | null, unit: string): string {
  if (value === null) return '–';
  if (unit === 's') return text(duration(value));
  if (unit === 'USD') return text(money(value));
  if (unit === 'ratio') return text(ratio(value));
  const number = Number.isInteger(value) ? text(count(value)) : String(Number(value.toPrecision(3)));
  return unit ? `${number} ${unit}` : number;
}
