// The live connection: one EventSource, which resumes by itself where it can and is replaced where it cannot.
import { seriesParameters, type MetricsQuery } from './client';
import type { LiveAlerts, LiveAnomalies, LiveHeartbeat, LiveLedger, LiveMetrics } from './model';

export interface StreamQuery extends Pick<MetricsQuery, 'project' | 'time_zone' | 'group_by' | 'filters'> {
  range_s: number;
  step_s: number;
}

/** Of what the stream says that there is something new, for those to list it who want to know. */
export const NEWS_KINDS = ['rankings', 'reports', 'scores'] as const;
export type NewsKind = (typeof NEWS_KINDS)[number];

export interface StreamHandlers {
  metrics(event: LiveMetrics): void;
  totals(event: LiveMetrics): void;
  ledger(event: LiveLedger): void;
  anomalies(event: LiveAnomalies): void;
  alerts(event: LiveAlerts): void;
  /** There is something new of that kind. */
  news(kind: NewsKind): void;
  /** The connection stands and is fed; said with every event that the collector is behind. */
  connected(): void;
  /** The connection, or the gateway's own to the collector, is lost and being restored. */
  reconnecting(): void;
  /** The gateway refused the stream: perhaps the session has ended. */
  refused(): void;
}

// A browser gives up on an EventSource that was answered with an error (as by a proxy while the gateway restarts).
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 15_000;
// A connection may be dead without the browser's knowing, as after a laptop's sleep: then nothing comes, and no heartbeat either.
const SILENCE_FACTOR = 2.5;
// Until the first heartbeat has said when the next one is due; longer than a gateway takes to answer a large question.
const SILENCE_FIRST_MS = 60_000;

/** Keeps a stream open until the returned function is called. */
export function openStream(query: StreamQuery, handlers: StreamHandlers): () => void {
  const parameters = seriesParameters(query);
  parameters.set('range', String(query.range_s));
  parameters.set('step', String(query.step_s));
  const address = `/api/v1/stream?${parameters}`;

  let source: EventSource;
  let retryTimer = 0;
  let retryMs = RETRY_FIRST_MS;
  let silenceTimer = 0;
  let silenceMs = SILENCE_FIRST_MS;

  /** The connection has a while again in which to say something. */
  function heard(): void {
    window.clearTimeout(silenceTimer);
    silenceTimer = window.setTimeout(() => {
      handlers.reconnecting();
      source.close();
      connect();
    }, silenceMs);
  }

  /** Whatever comes shows that the gateway has the collector, until it says otherwise. */
  function on<T>(name: string, handle: (event: T) => void): void {
    source.addEventListener(name, (message: MessageEvent<string>) => {
      heard();
      handlers.connected();
      handle(JSON.parse(message.data) as T);
    });
  }

  function aside<T>(name: string, handle: (event: T) => void): void {
    source.addEventListener(name, (message: MessageEvent<string>) => {
      heard();
      handle(JSON.parse(message.data) as T);
    });
  }

  function connect(): void {
    source = new EventSource(address);
    heard();
    source.onopen = () => {
      retryMs = RETRY_FIRST_MS;
      heard();
    };
    source.onerror = () => {
      handlers.reconnecting();
      if (source.readyState !== EventSource.CLOSED) return;
      window.clearTimeout(silenceTimer);
      handlers.refused();
      retryTimer = window.setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MOST_MS);
    };
    on<LiveMetrics>('metrics', handlers.metrics);
    on<LiveMetrics>('totals', handlers.totals);
    on<LiveLedger>('ledger', handlers.ledger);
    source.addEventListener('status', () => {
      heard();
      handlers.reconnecting();
    });
    // What other services say, and that the connection stands, says nothing of the collector, and so of the numbers neither.
    aside<LiveAnomalies>('anomalies', handlers.anomalies);
    aside<LiveAlerts>('alerts', handlers.alerts);
    for (const kind of NEWS_KINDS) aside(kind, () => handlers.news(kind));
    source.addEventListener('heartbeat', (message: MessageEvent<string>) => {
      const { interval_s } = JSON.parse(message.data) as LiveHeartbeat;
      silenceMs = interval_s * SILENCE_FACTOR * 1_000;
      heard();
    });
  }

  connect();
  return () => {
    window.clearTimeout(retryTimer);
    window.clearTimeout(silenceTimer);
    source.close();
  };
}
