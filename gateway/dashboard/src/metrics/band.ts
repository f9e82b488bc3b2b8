// What was usual, fitted to the slots of a chart.
import type { BaselinePoint } from '../api/model';
import type { Slot } from './windows';

type Values = readonly (number | null)[];

export interface Band {
  low: Values;
  centre: Values;
  high: Values;
}

/** For each slot what was usual in the middle of it: the latest point that is not later. Null where none is known. */
export function bandOf(points: readonly BaselinePoint[], slots: readonly Slot[], scale = 1): Band {
  const starts = points.map((point) => Date.parse(point.start));
  const scaled = (value: number | null | undefined): number | null =>
    typeof value === 'number' ? value * scale : null;
  let next = 0;
  const found = slots.map((slot) => {
    const middle = (slot.startMs + slot.endMs) / 2;
    while (next < starts.length && starts[next]! <= middle) next += 1;
    return points[next - 1];
  });
  return {
    low: found.map((point) => scaled(point?.low)),
    centre: found.map((point) => scaled(point?.centre)),
    high: found.map((point) => scaled(point?.high)),
  };
}

/** Whether there is anything of it to be drawn. */
export function isKnown(band: Band): boolean {
  return band.high.some((value) => value !== null);
}
