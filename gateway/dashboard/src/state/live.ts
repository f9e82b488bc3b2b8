// The overview's numbers, kept up to date for as long as somebody looks at them.
import { signal } from '@preact/signals';
import { ApiError, getMetrics, type MetricsQuery } from '../api/client';
import type { Filters, MetricSeries, LiveMetrics, MetricWindow } from '../api/model';
import { LiveAnswer } from '../metrics/windows';
import { connect, connectBare, connection } from './connection';
import { stepsOf, type Range } from './ranges';
import { loadSession } from './session';

/** What the page shows. All of it changes in the same frame. */
export interface Overview {
  isLoading: boolean;
  /** Why the numbers could not be had, if so. */
  error: string;
  /** Until when everything is contained. */
  asOfMs: number;
  /** All calls of the range. */
  totals: MetricWindow | null;
  /** All calls by window. */
  trend: readonly MetricWindow[];
  /** The range by provider and task. */
  rows: readonly MetricSeries[];
  /** Windows by provider and task. */
  activity: readonly MetricSeries[];
}

export interface OverviewQuery {
  project: string;
  range: Range;
  timeZone: string;
  filters: Filters;
}

const NOTHING: Overview = { isLoading: true, error: '', asOfMs: 0, totals: null, trend: [], rows: [], activity: [] };
const ROW_DIMENSIONS = ['provider', 'task_type'] as const;

// Quantiles do not add up, so rows and trend are asked for again when something changed: not more often than this, and
// for no more than a fifth of the time, however slow the answer.
const REFRESH_LEAST_MS = 2_000;
const REFRESH_PAUSE_FACTOR = 4;
const REFRESH_FAILED_MS = 10_000;
// A range that ends now moves on, and loses calls at its far end, also when no new ones come.
const IDLE_REFRESH_MS = 30_000;

export const overview = signal<Overview>(NOTHING);

/** Keeps the overview fed until the returned function is called. */
export function watchOverview(query: OverviewQuery): () => void {
  const watch = new Watch(query);
  watch.start();
  return () => watch.stop();
}

class Watch {
  readonly #answers = {
    totals: new LiveAnswer('whole-range'),
    trend: new LiveAnswer('steps'),
    rows: new LiveAnswer('whole-range'),
    activity: new LiveAnswer('steps'),
  };
  readonly #aborter = new AbortController();
  #closeStream: () => void = () => undefined;
  #asOfMs = 0;
  #error = '';
  #isLoading = true;
  #frame = 0;
  #refreshTimer = 0;
  #idleTimer = 0;
  #mayRetry = true;
  #isRefreshing = false;
  #mustRefreshAgain = false;

  constructor(private readonly query: OverviewQuery) {}

  start(): void {
    overview.value = { ...overview.value, isLoading: true, error: '' };
    this.#closeStream = this.#connect();
    if (this.query.range.kind === 'trailing') {
      this.#idleTimer = window.setInterval(() => connection.value === 'live' && void this.#refresh(), IDLE_REFRESH_MS);
    }
    void this.#refresh();
  }

  stop(): void {
    this.#closeStream();
    this.#aborter.abort();
    cancelAnimationFrame(this.#frame);
    window.clearTimeout(this.#refreshTimer);
    window.clearInterval(this.#idleTimer);
  }

  /** A fixed range does not move: its numbers are asked for once. */
  #connect(): () => void {
    const { project, range, timeZone, filters } = this.query;
    if (range.kind === 'fixed') return connectBare(project, timeZone);
    return connect(
      {
        project,
        time_zone: timeZone,
        filters,
        group_by: ROW_DIMENSIONS,
        range_s: range.range_s,
        step_s: range.spark_step_s,
      },
      { metrics: (event) => this.#take('activity', event), totals: (event) => this.#take('totals', event) },
    );
  }

  #take(name: 'activity' | 'totals', event: LiveMetrics): void {
    this.#answers[name].apply(event);
    if (event.as_of) this.#asOfMs = Math.max(this.#asOfMs, Date.parse(event.as_of));
    if (name === 'activity') void this.#refresh();
    this.#draw();
  }

  /** Asks for what the stream does not carry, now or as soon as it is decent to ask again. */
  async #refresh(): Promise<void> {
    if (this.#isRefreshing) {
      this.#mustRefreshAgain = true;
      return;
    }
    this.#isRefreshing = true;
    this.#mustRefreshAgain = false;
    const began = performance.now();
    try {
      await this.#pull();
      this.#error = '';
    } catch (error) {
      if (this.#aborter.signal.aborted) return;
      if (error instanceof ApiError && error.isSignedOut) void loadSession();
      this.#mayRetry = !(error instanceof ApiError && error.isFinal);
      this.#error = error instanceof Error ? error.message : String(error);
    }
    this.#isLoading = false;
    this.#draw();
    const leastMs = this.#error ? REFRESH_FAILED_MS : REFRESH_LEAST_MS;
    const pauseMs = Math.max(leastMs, (performance.now() - began) * REFRESH_PAUSE_FACTOR);
    this.#refreshTimer = window.setTimeout(() => {
      this.#isRefreshing = false;
      if (this.#mayRetry && (this.#mustRefreshAgain || this.#error)) void this.#refresh();
    }, pauseMs);
  }

  async #pull(): Promise<void> {
    const isFixed = this.query.range.kind === 'fixed';
    const { step_s, spark_step_s } = stepsOf(this.query.range);
    await Promise.all([
      this.#pullInto('rows', { group_by: ROW_DIMENSIONS }),
      this.#pullInto('trend', { step_s }),
      isFixed && this.#pullInto('totals', {}),
      isFixed && this.#pullInto('activity', { group_by: ROW_DIMENSIONS, step_s: spark_step_s }),
    ]);
  }

  async #pullInto(
    name: 'rows' | 'trend' | 'totals' | 'activity',
    shape: { group_by?: readonly string[]; step_s?: number },
  ): Promise<void> {
    const { project, range, timeZone, filters } = this.query;
    const time: Pick<MetricsQuery, 'start' | 'end'> =
      range.kind === 'fixed'
        ? { start: new Date(range.startMs).toISOString(), end: new Date(range.endMs).toISOString() }
        : { start: `-${range.range_s}s` };
    const question = { project, time_zone: timeZone, group_by: [], filters, ...time, ...shape };
    const answer = await getMetrics(question, this.#aborter.signal);
    this.#answers[name].apply({ is_snapshot: true, series: answer.series });
    // Where nothing was ever stored there is no such moment; then it is now.
    this.#asOfMs = Math.max(this.#asOfMs, answer.as_of ? Date.parse(answer.as_of) : Date.now());
  }

  /** Shows what is there at the next frame, however many events come until then; but never half of the first answer. */
  #draw(): void {
    if (this.#frame || this.#isLoading) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const { range } = this.query;
      const { totals, trend, rows, activity } = this.#answers;
      if (range.kind === 'trailing' && this.#asOfMs) {
        const leftMs = this.#asOfMs - range.range_s * 1_000;
        for (const answer of Object.values(this.#answers)) answer.dropUntil(leftMs);
      }
      overview.value = {
        isLoading: false,
        error: this.#error,
        asOfMs: this.#asOfMs,
        totals: totals.series[0]?.windows[0] ?? null,
        trend: trend.series[0]?.windows ?? [],
        rows: rows.series,
        activity: activity.series,
      };
    });
  }
}
