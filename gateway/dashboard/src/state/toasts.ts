// Alerts that have begun to fire while somebody looks elsewhere, until they are taken on, put away, or have been there for a while.
import { signal } from '@preact/signals';
import type { Alert } from '../api/model';

// Long enough to read one and reach for it. The badge goes on counting it, and a critical one stays.
const SHOWN_MS = 15_000;
// More would hide the page that one needs for looking into them; the list has the others.
const SHOWN_MOST = 3;

/** The latest first. */
export const toasts = signal<readonly Alert[]>([]);

export function putAway(alertId: string): void {
  toasts.value = toasts.value.filter((one) => one.alert_id !== alertId);
}

/** Shows what has begun to fire, and takes away what no longer does. */
export function showFiring(begun: readonly Alert[], open: readonly Alert[]): void {
  const firing = new Map(open.filter((one) => one.state === 'FIRING').map((one) => [one.alert_id, one]));
  const all = [...begun, ...toasts.value].filter((one) => firing.has(one.alert_id));
  if (all.length === 0 && toasts.value.length === 0) return;
  toasts.value = all.slice(0, SHOWN_MOST).map((one) => firing.get(one.alert_id)!);
  for (const { alert_id, severity } of begun) {
    if (severity !== 'CRITICAL') setTimeout(() => putAway(alert_id), SHOWN_MS);
  }
}
