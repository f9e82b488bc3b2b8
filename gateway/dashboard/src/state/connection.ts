// The one live connection, whichever page is open, and what all pages take from it: whether it stands, the ledger, anomalies and alerts.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LiveLedger } from '../api/model';
import { openStream, type StreamHandlers, type StreamQuery } from '../api/stream';
import { takeAlerts } from './alerts';
import { takeAnomalies } from './anomalies';
import { takeNews } from './news';
import { loadSession, project, timeZone } from './session';

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'stale';

// A connection that is not back by then has left the numbers behind.
const STALE_AFTER_MS = 10_000;
// The least that can be asked for, where a page needs no numbers of the stream.
const LEAST = { group_by: [], range_s: 60, step_s: 60 };

export const connection = signal<Connection>('connecting');
export const ledger = signal<LiveLedger | null>(null);
/** How late the numbers are, in seconds; null as long as it is not known. */
export const lag_s = signal<number | null>(null);
/** When the connection was last known to be good; 0 while it is. */
export const liveUntilMs = signal(0);

export type StreamTakers = Pick<StreamHandlers, 'metrics' | 'totals'>;

/** Keeps the signals above fed until the returned function is called; a page has what it asked for handed to its takers. */
export function connect(query: StreamQuery, take?: StreamTakers): () => void {
  let staleTimer = 0;
  connection.value = 'connecting';
  const close = openStream(query, {
    metrics: (event) => {
      if (event.lag_s !== null) lag_s.value = event.lag_s;
      take?.metrics(event);
    },
    totals: (event) => take?.totals(event),
    ledger: (event) => {
      ledger.value = event;
      lag_s.value = event.lag_s;
    },
    anomalies: (event) => takeAnomalies(query.project, event),
    alerts: (event) => takeAlerts(query.project, event),
    news: takeNews,
    connected: () => {
      window.clearTimeout(staleTimer);
      staleTimer = 0;
      connection.value = 'live';
      liveUntilMs.value = 0;
    },
    reconnecting: () => {
      if (staleTimer) return;
      connection.value = 'reconnecting';
      liveUntilMs.value = Date.now();
      staleTimer = window.setTimeout(() => (connection.value = 'stale'), STALE_AFTER_MS);
    },
    refused: () => void loadSession(),
  });
  return () => {
    window.clearTimeout(staleTimer);
    close();
  };
}

/** The connection of a page, or of a range that does not move, which asks the stream for no numbers. */
export function connectBare(projectName: string, zone: string): () => void {
  return connect({ ...LEAST, project: projectName, time_zone: zone, filters: {} });
}

/** Keeps a page connected for as long as it is shown. */
export function useConnection(): void {
  useEffect(() => connectBare(project.value, timeZone.value), [project.value, timeZone.value]);
}
