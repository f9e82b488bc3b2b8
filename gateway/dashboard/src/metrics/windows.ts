// The answer to a query, kept up to date: windows are replaced by key and start, never added to.
import type { MetricSeries, LiveMetrics, MetricWindow, SeriesKey } from '../api/model';

/** One string for a key, so that it can be looked up. */
export function keyId(key: SeriesKey): string {
  return JSON.stringify([key.provider, key.model, key.task_type, key.prompt_name, key.prompt_version]);
}

/** Whether an answer has one window for the range, which moves with it, or one for each step. */
export type Windowing = 'whole-range' | 'steps';

/**
 * Holds one answer. Series that did not change keep their identity, so that what draws them can be left alone.
 */
export class LiveAnswer {
  #series = new Map<string, MetricSeries>();

  constructor(private readonly windowing: Windowing) {}

  get series(): MetricSeries[] {
    return [...this.#series.values()];
  }

  clear(): void {
    this.#series.clear();
  }

  /** Takes a snapshot in place of everything, or the windows that changed. */
  apply(event: Pick<LiveMetrics, 'is_snapshot' | 'series'>): void {
    if (event.is_snapshot) this.#series.clear();
    for (const changed of event.series) {
      const id = keyId(changed.key);
      const known = this.#series.get(id);
      const windows = known && this.windowing === 'steps' ? merged(known.windows, changed.windows) : changed.windows;
      this.#series.set(id, { key: changed.key, windows });
    }
  }

  /** Drops the windows that ended by `ms`, and the series that have none left. */
  dropUntil(ms: number): void {
    for (const [id, series] of this.#series) {
      const first = series.windows[0];
      if (first && Date.parse(first.end) > ms) continue;
      const windows = series.windows.filter((window) => Date.parse(window.end) > ms);
      if (windows.length === 0) this.#series.delete(id);
      else this.#series.set(id, { key: series.key, windows });
    }
  }
}

function merged(known: readonly MetricWindow[], changed: readonly MetricWindow[]): MetricWindow[] {
  const byStart = new Map(known.map((window) => [Date.parse(window.start), window]));
  for (const window of changed) byStart.set(Date.parse(window.start), window);
  return [...byStart].sort(([a], [b]) => a - b).map(([, window]) => window);
}

/** A stretch of time on a chart; `window` is missing where there were no calls. */
export interface Slot {
  startMs: number;
  endMs: number;
  window: MetricWindow | undefined;
}

/**
 * The windows with the gaps between them filled, from `startMs` to `endMs`, so that "no calls" is drawn as none.
 *
 * The gaps are cut into steps from their neighbours on, since only the server knows where the windows of a zone begin.
 */
export function slots(windows: readonly MetricWindow[], startMs: number, endMs: number, stepMs: number): Slot[] {
  const all: Slot[] = [];
  const fill = (from: number, to: number, latestEnd = to): void => {
    for (let start = from; start < to; start += stepMs) {
      all.push({ startMs: start, endMs: Math.min(start + stepMs, latestEnd), window: undefined });
    }
  };
  const first = windows[0] ? Date.parse(windows[0].start) : Math.floor(endMs / stepMs) * stepMs;
  let reached = first - Math.max(0, Math.ceil((first - startMs) / stepMs)) * stepMs;
  for (const window of windows) {
    const start = Date.parse(window.start);
    fill(reached, start);
    reached = Date.parse(window.end);
    all.push({ startMs: start, endMs: reached, window });
  }
  fill(reached, endMs, Infinity); // The last one is as wide as the others, though it is not over yet.
  return all;
}

/**
 * Values of the slots that are over by `asOfMs`. One that is not holds the calls that have ended: failures do so at once and good answers
 * take their time, so that it would look worse than it is.
 */
export function settledValues(
  all: readonly Slot[],
  asOfMs: number,
  value: (window: MetricWindow) => number | null | undefined,
): (number | null)[] {
  return all.map((slot) => (slot.window && slot.endMs <= asOfMs ? (value(slot.window) ?? null) : null));
}

/** The slot to be read out while the cursor is elsewhere: the latest that is over. */
export function restIndexOf(all: readonly Slot[], asOfMs: number): number {
  const rest = all.findLastIndex((slot) => slot.endMs <= asOfMs);
  return rest < 0 ? all.length - 1 : rest;
}
