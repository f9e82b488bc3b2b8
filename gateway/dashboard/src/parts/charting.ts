// What the charts need of canvases and time axes.
import type uPlot from 'uplot';

const DAY_S = 86_400;
const HATCH_PX = 6;

const powers = (steps: readonly number[], least: number, most: number): number[] =>
  Array.from({ length: most - least + 1 }, (_, index) => steps.map((step) => step * 10 ** (least + index))).flat();

/** Ticks for counts: there is nothing between two whole numbers. */
export const WHOLE_INCREMENTS = [1, 2, 5, ...powers([10, 20, 25, 50], 0, 11)];

/** Where a logarithmic axis of durations may have ticks, in seconds: 1, 2 and 5 of each power of ten, from ten on as on a clock. */
const DURATIONS = [
  ...powers([1, 2, 5], -6, 0),
  ...[10, 30, 60, 120, 300, 600, 1_800],
  ...[1, 3, 6, 12, 24, 48, 96, 192].map((hours) => hours * 3_600),
];
const TICKS_MOST = 7;

/** The ends of a logarithmic axis that holds these durations: ticks, so that it does not move with every new value. */
export function durationExtent(least: number, most: number): [number, number] {
  const low = DURATIONS.findLast((tick) => tick <= least) ?? DURATIONS[0]!;
  const high = DURATIONS.find((tick) => tick > low && tick >= most) ?? DURATIONS.at(-1)!;
  return most > 0 ? [low, high] : [0.1, 10];
}

/** Its ticks. */
export function durationTicks(low: number, high: number): number[] {
  const inside = DURATIONS.filter((tick) => tick >= low && tick <= high);
  const every = Math.ceil(inside.length / TICKS_MOST);
  return inside.filter((_, index) => index % every === 0);
}

/** The ends of an axis of counts. */
export function zeroExtent(_: number, most: number): [number, number] {
  return [0, most > 0 ? most * 1.08 : 1];
}

/** Those of ratios: at least the upper tenth, so that a small loss does not look like a collapse; lower in steps of ten percent. */
export function ratioExtent(least: number): [number, number] {
  return [Math.max(0, Math.min(0.9, Math.floor(least * 10) / 10)), 1.005];
}

/** The colour that a token stands for now, as a canvas understands it. */
export function colourOf(token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Diagonal lines, so that bars are told apart without their colour. */
export function hatched(colour: string): CanvasPattern | string {
  const tile = document.createElement('canvas');
  const size = Math.round(HATCH_PX * devicePixelRatio);
  tile.width = size;
  tile.height = size;
  const context = tile.getContext('2d');
  if (!context) return colour;
  context.globalAlpha = 0.35;
  context.fillStyle = colour;
  context.fillRect(0, 0, size, size);
  context.globalAlpha = 1;
  context.strokeStyle = colour;
  context.lineWidth = size / 4;
  context.beginPath();
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift - 1, size + 1);
    context.lineTo(shift + size + 1, -1);
  }
  context.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}

/** Labels for the ticks of a time axis: the hour, or the day where a day begins or where ticks are days apart. */
export function alignedTicks(zone: string): uPlot.Axis.DynamicValues {
  const hour = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  });
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: zone });
  return (_plot, ticks, _axis, _space, step_s) =>
    ticks.map((tick) => {
      const time = hour.format(tick * 1e3);
      return step_s >= DAY_S || time === '00:00' ? day.format(tick * 1e3) : time;
    });
}

/** The points that no line reaches: those with nothing on either side. */
export function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series]!;
  const alone: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    const hasNeighbour = typeof values[index - 1] === 'number' || typeof values[index + 1] === 'number';
    if (typeof values[index] === 'number' && !hasNeighbour) alone.push(index);
  }
  return alone;
}
