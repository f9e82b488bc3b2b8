// The alerts that are not resolved, as the stream tells of them.
import { signal } from '@preact/signals';
import type { Alert, LiveAlerts } from '../api/model';
import { begunToFire, mergedAlerts } from '../metrics/alerts';
import { showFiring } from './toasts';

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
  const before = alerts.value?.project === project ? alerts.value : null;
  const known = before ?? { open: [], changeCount: 0 };
  const open = event.is_available ? mergedAlerts(known.open, event) : known.open;
  // What fires already when one comes is on the page, and no news.
  showFiring(before ? begunToFire(known.open, open) : [], open);
  alerts.value = {
    project,
    open,
    isCurrent: event.is_available,
    changeCount: known.changeCount + 1,
  };
}
