// Scales of the charts that are not over time: from values to a length, and where the ticks are.

export interface Scale {
  /** 0 at the low end, 1 at the high one; beyond them outside of that. */
  at: (value: number) => number;
  ticks: readonly number[];
}

// Within each power of ten; the first that leave enough room between them.
const LOG_STEPS = [[1, 2, 5], [1, 3], [1]];
// Two ends that are the same make no scale.
const LEAST_SPAN_RATIO = 1e-6;

/** A round step that makes about as many ticks. */
function roundStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((step) => step * power >= rough * 0.999) ?? 10) * power;
}

/** Even distances; begins and ends at ticks unless the ends are given. `bounds`: what the values cannot be beyond. */
export function linearScale(
  values: readonly number[],
  count: number,
  bounds: readonly [number, number] = [-Infinity, Infinity],
): Scale {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const span = Math.max(most - least, Math.abs(most) * LEAST_SPAN_RATIO, Number.EPSILON * 8);
  const step = roundStep(span, count);
  const low = Math.max(bounds[0], Math.floor(least / step + 1e-9) * step);
  const high = Math.min(bounds[1], Math.ceil(most / step - 1e-9) * step);
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-6; index += 1)
    ticks.push(index * step);
  const width = high - low || 1;
  return { at: (value) => (value - low) / width, ticks };
}

/** Even ratios, for values above zero; begins and ends at 1, 2 or 5 of a power of ten. */
export function logScale(values: readonly number[], count: number): Scale {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const all = powersOf(LOG_STEPS[0]!, least, most);
  const first = Math.max(
    0,
    all.findLastIndex((tick) => tick <= least * 1.0001),
  );
  const found = all.findIndex((tick, index) => index > first && tick >= most * 0.9999);
  const [low, high] = [all[first]!, found < 0 ? all.at(-1)! : all[found]!];
  const sets = LOG_STEPS.map((steps) =>
    powersOf(steps, low, high).filter((tick) => tick >= low * 0.9999 && tick <= high * 1.0001),
  );
  const fitting = sets.find((ticks) => ticks.length <= count) ?? sets.at(-1)!;
  const every = Math.ceil(fitting.length / Math.max(2, count));
  return logScaleOf(
    low,
    high,
    fitting.filter((_, index) => index % every === 0),
  );
}

/** Even ratios between two ends, with these ticks. */
export function logScaleOf(low: number, high: number, ticks: readonly number[]): Scale {
  const width = Math.log(high / low) || 1;
  return { at: (value) => Math.log(value / low) / width, ticks };
}

function powersOf(steps: readonly number[], least: number, most: number): number[] {
  const first = Math.floor(Math.log10(least)) - 1;
  const count = Math.ceil(Math.log10(most)) + 2 - first;
  return Array.from({ length: count }, (_, index) => steps.map((step) => Number(`${step}e${first + index}`))).flat();
}
