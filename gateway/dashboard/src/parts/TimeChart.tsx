// A chart over time (uPlot). Charts of one page share their cursor; dragging over one asks for that stretch of time.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { DEFINITIONS } from '../definitions';
import type { Figure } from '../format/format';
import { text, tickText } from '../format/format';
import { span } from '../format/time';
import type { Severity } from '../api/model';
import type { Band } from '../metrics/band';
import type { Slot } from '../metrics/windows';
import { theme } from '../state/theme';
import { alignedTicks, colourOf, hatched, lonely } from './charting';
import { drawEpisodes } from './episodes';
import './time-chart.css';
import { tip } from './Tooltip';

const CURSOR_GROUP = 'page';
const USUAL = ['usual', DEFINITIONS.usual] as const;

type Values = readonly (number | null)[];

export interface Line {
  label: string;
  /** The token of its colour, such as "--data-blue". */
  colour: string;
  /** Tells it from its neighbours where colour does not. */
  mark: 'solid' | 'dashed' | 'bars' | 'hatched-bars';
  values: Values;
  /** What is drawn where that is not the value itself: bars that stand on others. */
  drawn?: Values;
}

/** A stretch of time that is marked on the chart. */
export interface Episode {
  startMs: number;
  /** Null: it goes on. */
  endMs: number | null;
  severity: Severity;
}

export interface TimeChartProps {
  title: string;
  definition: string;
  slots: readonly Slot[];
  lines: readonly Line[];
  /** What is usual, drawn behind the lines. */
  band?: Band | null;
  /** What the band is called and what it means, where it is not what is usual. */
  bandWords?: readonly [label: string, definition: string];
  episodes?: readonly Episode[];
  /** The slot that is read out while the cursor is elsewhere: the latest that is over. */
  restIndex: number;
  format: (value: number | null | undefined) => Figure;
  /** Lowest and highest value of the axis, from those of the data. */
  extent: (least: number, most: number) => [number, number];
  /** How far apart the ticks may be. */
  increments?: readonly number[];
  /** Makes the axis logarithmic: the ticks between its ends, which are above zero. */
  logTicks?: (low: number, high: number) => number[];
  zone: string;
  onZoom: (startMs: number, endMs: number) => void;
}

export function TimeChart(props: TimeChartProps) {
  const { title, definition, slots, lines, band, bandWords = USUAL, restIndex, format, zone } = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const holder = useRef<HTMLDivElement>(null);
  usePlot(holder, props, setCursor);

  const index = cursor ?? restIndex;
  const slot = slots[index];
  return (
    <section class="card chart" aria-label={title}>
      <header class="chart-header">
        <h2 class="term" tabIndex={0} {...tip(definition)}>
          {title}
        </h2>
        <p class="chart-time">{slot && span(slot.startMs, slot.endMs, zone)}</p>
        <ul class="chart-legend">
          {lines.map((line) => (
            <li key={line.label}>
              <Mark line={line} />
              {line.label} <b>{text(format(line.values[index]))}</b>
            </li>
          ))}
          {band && (
            <li>
              <BandMark />
              <span class="term" tabIndex={0} {...tip(bandWords[1])}>
                {bandWords[0]}
              </span>{' '}
              <b>{bandText(band, index, format)}</b>
            </li>
          )}
        </ul>
      </header>
      <div ref={holder} class={slots.length > 0 ? 'chart-plot' : 'chart-plot is-waiting'} />
    </section>
  );
}

function bandText(band: Band, index: number, format: TimeChartProps['format']): string {
  const [low, high] = [band.low[index], band.high[index]];
  return typeof low === 'number' && typeof high === 'number' ? `${text(format(low))} – ${text(format(high))}` : '–';
}

function BandMark() {
  return (
    <svg class="chart-mark is-band" viewBox="0 0 16 10" aria-hidden="true">
      <rect width="16" height="10" />
      <path d="M0 5H16" />
    </svg>
  );
}

function Mark({ line }: { line: Line }) {
  return (
    <svg
      class={`chart-mark is${line.colour.replace('--data', '')} is-${line.mark}`}
      viewBox="0 0 16 10"
      aria-hidden="true"
    >
      {line.mark.endsWith('bars') ? <rect x="1" width="12" height="10" /> : <path d="M0 5H16" />}
      {line.mark === 'hatched-bars' && <path class="chart-hatch" d="M1 9 9 0M6 10l7-8" />}
    </svg>
  );
}

/** Keeps one uPlot in the holder: made anew when its looks change, given new data when that changes. */
function usePlot(
  holder: { current: HTMLDivElement | null },
  props: TimeChartProps,
  setCursor: (index: number | null) => void,
): void {
  const latest = useRef(props);
  latest.current = props;
  const plot = useRef<uPlot | null>(null);
  const { slots, lines, band, episodes } = props;
  const data = useMemo(() => dataOf(slots, lines, band), [slots, lines, band]);
  const looks = `${theme.value} ${props.zone} ${lines.map((line) => line.label).join()} ${band ? 'with a band' : ''}`;

  useEffect(() => {
    const element = holder.current!;
    const made = new uPlot(options(element, latest, setCursor), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [looks]);

  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => plot.current?.redraw(false), [episodes]);
}

function dataOf(slots: readonly Slot[], lines: readonly Line[], band: Band | null | undefined): uPlot.AlignedData {
  const middles = slots.map((slot) => (slot.startMs + slot.endMs) / 2_000);
  const behind = band ? [band.high, band.low, band.centre] : [];
  return [
    middles,
    ...[...behind, ...lines.map((line) => line.drawn ?? line.values)].map((one) => [...one]),
  ] as uPlot.AlignedData;
}

function options(
  element: HTMLElement,
  latest: { current: TimeChartProps },
  setCursor: (index: number | null) => void,
): uPlot.Options {
  const { lines, band, zone, increments, logTicks } = latest.current;
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const ink = colourOf('--ink-faint');
  const grid = { stroke: colourOf('--grid'), width: 1 };
  const font = `${0.6875 * rem}px ${getComputedStyle(document.body).fontFamily}`;
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [0.5 * rem, 1.125 * rem, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
    legend: { show: false },
    cursor: {
      sync: { key: CURSOR_GROUP },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
    },
    scales: {
      x: { range: () => edges(latest.current.slots) },
      y: { range: (_, least, most) => latest.current.extent(least ?? 0, most ?? 0), ...(logTicks ? { distr: 3 } : {}) },
    },
    axes: [
      {
        ...{ stroke: ink, font, size: 1.75 * rem, space: 4.5 * rem },
        grid: { show: false },
        ticks: { ...grid, size: 4 },
        values: alignedTicks(zone),
      },
      {
        ...{ stroke: ink, font, size: 3.5 * rem, space: 2 * rem, gap: 6, grid },
        ticks: { show: false },
        ...(increments ? { incrs: [...increments] } : {}),
        ...(logTicks ? { splits: (_, _axis, low, high) => logTicks(low, high), filter: (_, ticks) => ticks } : {}),
        values: (_, ticks) => ticks.map((tick) => tickText(latest.current.format(tick))),
      },
    ],
    series: [{}, ...(band ? bandSeries() : []), ...lines.map(seriesOf)],
    ...(band ? { bands: [{ series: [1, 2], fill: colourOf('--band') }] } : {}),
    hooks: {
      drawClear: [(plot) => drawEpisodes(plot, latest.current.episodes ?? [])],
      setCursor: [(plot) => setCursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => select(plot, latest.current)],
    },
  };
}

function edges(slots: readonly Slot[]): [number, number] {
  const first = slots[0];
  const last = slots.at(-1);
  return first && last ? [first.startMs / 1_000, last.endMs / 1_000] : [0, 1];
}

/** Upper and lower end, between which is filled, and the centre. */
function bandSeries(): uPlot.Series[] {
  const edge: uPlot.Series = { stroke: colourOf('--band-line'), width: 0.5, points: { show: false } };
  return [edge, edge, { ...edge, width: 1, dash: [2, 3] }];
}

function seriesOf(line: Line): uPlot.Series {
  const stroke = colourOf(line.colour);
  if (line.mark === 'bars' || line.mark === 'hatched-bars') {
    const bars = uPlot.paths.bars!({ size: [0.84, 48] });
    const fill = line.mark === 'bars' ? stroke : () => hatched(stroke);
    return { paths: bars, fill, stroke, width: line.mark === 'bars' ? 0 : 1, points: { show: false } };
  }
  const series: uPlot.Series = { stroke, width: 1.75, points: { show: true, size: 4, fill: stroke, filter: lonely } };
  return line.mark === 'dashed' ? { ...series, dash: [5, 4] } : series;
}

function select(plot: uPlot, { slots, onZoom }: TimeChartProps): void {
  const { left, width } = plot.select;
  if (width < 4) return;
  const from = plot.posToVal(left, 'x') * 1_000;
  const to = plot.posToVal(left + width, 'x') * 1_000;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  const touched = slots.filter((slot) => slot.endMs > from && slot.startMs < to);
  if (touched.length > 0) onZoom(touched[0]!.startMs, touched.at(-1)!.endMs);
}
