// The alerts that are not resolved, as the stream tells of them.
import { signal } from '@preact/signals';
import type { Alert, LiveAlerts } from '../api/model';
import { mergedAlerts } from '../metrics/alerts';

export interface OpenAlerts {
  project: string;
  /** Firing first. */
  open: readonly Alert[];
  /** False while the alerter is away: then these were the open ones when it was last heard of. */
  isCurrent: boolean;
  /** Counts the events, so that whoever shows more than the open ones knows when to ask again. */
  changeCount: number;
}

/** Null until something was heard of them. */
export const alerts = signal<OpenAlerts | null>(null);

export function takeAlerts(project: string, event: LiveAlerts): void {
  const known = alerts.value?.project === project ? alerts.value : { open: [], changeCount: 0 };
  alerts.value = {
    project,
    open: event.is_available ? mergedAlerts(known.open, event) : known.open,
    isCurrent: event.is_available,
    changeCount: known.changeCount + 1,
  };
}
