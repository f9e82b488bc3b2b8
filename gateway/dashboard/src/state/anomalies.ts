// The open anomalies, as the stream tells of them.
import { signal } from '@preact/signals';
import type { Anomaly, LiveAnomalies } from '../api/model';
import { merged } from '../metrics/anomalies';

export interface OpenAnomalies {
  project: string;
  /** The most severe first. */
  open: readonly Anomaly[];
  /** False while the analyzer is away: then these were the open ones when it was last heard of. */
  isCurrent: boolean;
  /** Counts the events, so that whoever shows more than the open ones knows when to ask again. */
  changeCount: number;
}

/** Null until something was heard of them. */
export const anomalies = signal<OpenAnomalies | null>(null);

export function takeAnomalies(project: string, event: LiveAnomalies): void {
  const known = anomalies.value?.project === project ? anomalies.value : { open: [], changeCount: 0 };
  anomalies.value = {
    project,
    open: event.is_available ? merged(known.open, event) : known.open,
    isCurrent: event.is_available,
    changeCount: known.changeCount + 1,
  };
}
