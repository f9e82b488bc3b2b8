// What one gets for what one gives: each candidate by two metrics with its intervals, and the front of those that nobody beats in both.
import { useMemo } from 'preact/hooks';
import type { RankedCandidate, RankedMetricName } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { tickText } from '../../format/format';
import { intervalWords, RANKED_METRICS, tradeOffs, type TradeOff } from '../../metrics/rankings';
import { durationExtent, durationTicks } from '../../parts/charting';
import { FacetTabs } from '../../parts/Facets';
import { placeLabels, type Label } from '../../parts/labels';
import { linearScale, logScale, logScaleOf, type Scale } from '../../parts/scale';
import { State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useWidth } from '../../parts/useWidth';
import { view } from '../../state/view';
import './trade-off.css';

const HEIGHT = 340;
const MARGIN = { left: 58, right: 24, top: 14, bottom: 44 };
const RADIUS = 10;
const TICK_WIDTH = 84;

const ACROSS = [
  ['', 'Cost'],
  ['latency', 'Latency'],
] as const;
const UP = [
  ['', 'Quality'],
  ['success', 'Success'],
] as const;

export function TradeOffChart({ candidates }: { candidates: readonly RankedCandidate[] }) {
  const across: RankedMetricName = view.value.facets.across === 'latency' ? 'LATENCY' : 'COST_PER_ACCEPTED_TASK';
  const up: RankedMetricName = view.value.facets.up === 'success' ? 'SUCCESS' : 'QUALITY';
  const points = useMemo(() => tradeOffs(candidates, across, up), [candidates, across, up]);
  const [ref, width] = useWidth();
  const missing = candidates.length - points.length;
  return (
    <section class="card trade-off" aria-label="Trade-off">
      <header class="list-header">
        <h2>Trade-off</h2>
        <FacetTabs facet="across" label="Across" choices={ACROSS} />
        <span class="is-faint">against</span>
        <FacetTabs facet="up" label="Up" choices={UP} />
      </header>
      <div ref={ref} class="trade-off-plot">
        {width > 0 && points.length > 0 && <Plot points={points} across={across} up={up} width={width} />}
        {points.length === 0 && (
          <State
            icon="info"
            title={`Nobody's ${RANKED_METRICS[across].label.toLowerCase()} and ${RANKED_METRICS[up].label.toLowerCase()} are both known`}
          />
        )}
      </div>
      <footer class="trade-off-legend">
        <span class="trade-off-key is-front" {...tip(DEFINITIONS.front)} tabIndex={0}>
          on the Pareto front
        </span>
        <span class="trade-off-key">beaten in both</span>
        <span class="is-faint">
          numbers are ranks, lines 90 % intervals
          {missing > 0 && `; ${missing} without both numbers`}
        </span>
      </footer>
    </section>
  );
}

interface PlotProps {
  points: readonly TradeOff[];
  across: RankedMetricName;
  up: RankedMetricName;
  width: number;
}

function acrossScale(across: RankedMetricName, values: readonly number[], count: number): Scale {
  if (across !== 'LATENCY') return logScale(values, count);
  const [low, high] = durationExtent(Math.min(...values), Math.max(...values));
  return logScaleOf(low, high, durationTicks(low, high));
}

function scalesOf({ points, across, width }: PlotProps): { x: Scale; y: Scale } {
  const xs = points.flatMap(({ x }) => [x.low!, x.high!, x.value!]).filter((value) => value > 0);
  const ys = points.flatMap(({ y }) => [y.low!, y.high!]);
  return { x: acrossScale(across, xs, Math.floor(width / TICK_WIDTH)), y: linearScale(ys, 6, [0, 1]) };
}

function Plot(props: PlotProps) {
  const { points, across, up, width } = props;
  const { x, y } = useMemo(() => scalesOf(props), [points, across, up, width]);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const left = (value: number): number => MARGIN.left + x.at(value) * inner.width;
  const top = (value: number): number => MARGIN.top + (1 - y.at(value)) * inner.height;
  // The first by rank is drawn last, above the others.
  const drawn = [...points].sort(
    (a, b) => Number(a.isOnFront) - Number(b.isOnFront) || b.candidate.rank - a.candidate.rank,
  );
  const places = new Map(drawn.map((one) => [one, { x: left(one.x.value!), y: top(one.y.value!) }]));
  const front = drawn.filter((one) => one.isOnFront).sort((a, b) => a.x.value! - b.x.value!);
  const named = [...front].sort((a, b) => a.candidate.rank - b.candidate.rank);
  const labels = placeLabels(
    named.map((one) => ({ ...places.get(one)!, words: one.candidate.candidate.model })),
    [...places.values()],
    { radius: RADIUS, left: MARGIN.left, right: width },
  );
  return (
    <svg
      width={width}
      height={HEIGHT}
      role="group"
      aria-label={`${RANKED_METRICS[up].label} by ${RANKED_METRICS[across].label.toLowerCase()}`}
    >
      <Axes x={x} y={y} across={across} up={up} left={left} top={top} width={width} />
      <path class="front" d={frontPath(front.map((one) => places.get(one)!))} />
      {drawn.map((one) => (
        <Whiskers key={nameOf(one)} one={one} left={left} top={top} />
      ))}
      {drawn.map((one) => (
        <Point
          key={nameOf(one)}
          one={one}
          across={across}
          up={up}
          {...places.get(one)!}
          label={labels[named.indexOf(one)] ?? null}
        />
      ))}
    </svg>
  );
}

type Place = (value: number) => number;

/** Steps: between two of the front, one gets what the cheaper one gives. */
function frontPath(points: readonly { x: number; y: number }[]): string {
  return points.map(({ x, y }, index) => (index === 0 ? `M${x} ${y}` : `H${x}V${y}`)).join('');
}

interface AxesProps {
  x: Scale;
  y: Scale;
  across: RankedMetricName;
  up: RankedMetricName;
  left: Place;
  top: Place;
  width: number;
}

function Axes({ x, y, across, up, left, top, width }: AxesProps) {
  const bottom = HEIGHT - MARGIN.bottom;
  const words = (metric: RankedMetricName): string =>
    `${RANKED_METRICS[metric].label}, ${RANKED_METRICS[metric].isLowerBetter ? 'lower' : 'higher'} is better`;
  return (
    <g class="axes" aria-hidden="true">
      {y.ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${MARGIN.left} ${top(tick)}H${width - MARGIN.right}`} />
          <text x={MARGIN.left - 8} y={top(tick)} text-anchor="end" dominant-baseline="central">
            {tickText(RANKED_METRICS[up].format(tick))}
          </text>
        </g>
      ))}
      {x.ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${left(tick)} ${MARGIN.top}V${bottom}`} />
          <text x={left(tick)} y={bottom + 16} text-anchor="middle">
            {tickText(RANKED_METRICS[across].format(tick))}
          </text>
        </g>
      ))}
      <text class="axis-name" x={MARGIN.left} y={HEIGHT - 8}>
        {words(across)} →
      </text>
      <text class="axis-name" transform={`translate(12 ${bottom}) rotate(-90)`}>
        {words(up)} →
      </text>
    </g>
  );
}

function Whiskers({ one, left, top }: { one: TradeOff; left: Place; top: Place }) {
  const [x, y] = [left(one.x.value!), top(one.y.value!)];
  const low = one.x.low! > 0 ? left(one.x.low!) : MARGIN.left;
  return (
    <path
      class={`whiskers${one.isOnFront ? ' is-front' : ''}`}
      d={`M${low} ${y}H${left(one.x.high!)}M${x} ${top(one.y.low!)}V${top(one.y.high!)}`}
      aria-hidden="true"
    />
  );
}

function nameOf({ candidate: { candidate } }: TradeOff): string {
  return `${candidate.provider} ${candidate.model}`;
}

interface PointProps {
  one: TradeOff;
  across: RankedMetricName;
  up: RankedMetricName;
  x: number;
  y: number;
  /** Its name, where there is room for it. */
  label: Label | null;
}

function Point({ one, across, up, x, y, label }: PointProps) {
  const metrics = [
    [across, one.x],
    [up, one.y],
  ] as const;
  const known = metrics.map(
    ([metric, it]) => `${RANKED_METRICS[metric].label} ${intervalWords(RANKED_METRICS[metric].format, it)}`,
  );
  const words = `${one.candidate.rank}. ${nameOf(one)}. ${known.join('; ')}${one.isOnFront ? '; on the front' : ''}`;
  return (
    <g class={`point${one.isOnFront ? ' is-front' : ''}`} tabIndex={0} role="img" aria-label={words} data-tip={words}>
      <circle cx={x} cy={y} r={RADIUS} />
      <text class="point-rank" x={x} y={y} text-anchor="middle" dominant-baseline="central">
        {one.candidate.rank}
      </text>
      {label && (
        <text class="point-name" x={label.x} y={label.y} text-anchor={label.anchor}>
          {label.words}
        </text>
      )}
    </g>
  );
}
