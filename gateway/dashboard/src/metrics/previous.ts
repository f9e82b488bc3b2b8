// A range held against the one before it, which is as long and ends where it begins.
import type { MetricWindow } from '../api/model';
import { signed } from '../format/format';
import type { Slot } from './windows';

/** How a value is compared: by its factor, or by the difference of a ratio or a score of 0 to 1. */
export type Comparison = 'factor' | 'points' | 'score';

// Beyond it, one says how many times as much it is.
const FACTOR_LEAST = 3;

/** How far back the range before lies: whole steps, so that windows meet windows. */
export function shiftMs(startMs: number, endMs: number, stepMs: number): number {
  return Math.max(1, Math.ceil((endMs - startMs) / stepMs)) * stepMs;
}

/**
 * The slots with the windows of so much earlier in them. A window may begin up to half a step off, as days do where clocks
 * are put forward or back.
 */
export function earlier(slots: readonly Slot[], windows: readonly MetricWindow[], byMs: number): Slot[] {
  const starts = windows.map((window) => Date.parse(window.start));
  let next = 0;
  return slots.map(({ startMs, endMs }) => {
    const wanted = startMs - byMs;
    const reach = (endMs - startMs) / 2;
    while (next < starts.length && starts[next]! < wanted - reach) next += 1;
    const isThere = next < starts.length && starts[next]! < wanted + reach;
    return { startMs, endMs, window: isThere ? windows[next] : undefined };
  });
}

/** From what it was to what it is, as one would say it; empty where one of them is not known. */
export function changeText(
  now: number | null | undefined,
  before: number | null | undefined,
  comparison: Comparison,
): string {
  if (typeof now !== 'number' || typeof before !== 'number') return '';
  if (comparison === 'points') return `${signed((now - before) * 100, 1)}\u202fpts`;
  if (comparison === 'score') return signed(now - before, 3);
  if (before <= 0) return '';
  const factor = now / before;
  return factor >= FACTOR_LEAST ? `×${factor.toFixed(1)}` : `${signed((factor - 1) * 100, 0)}\u202f%`;
}
