// How the interval of a difference narrowed: it holds the truth at all times at once, so that it may be read at any of them.
import { useMemo, useState } from 'preact/hooks';
import type { PromptEffect, PromptPoint } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { shortInstant } from '../../format/time';
import { differenceWords, PROMPT_METRICS, sequenceExtent } from '../../metrics/prompts';
import { linearScale } from '../../parts/scale';
import { timeTicks } from '../../parts/time-ticks';
import { tip } from '../../parts/Tooltip';
import { useWidth } from '../../parts/useWidth';
import { nowMs } from '../../state/now';
import { timeZone } from '../../state/session';

const HEIGHT = 280;
const MARGIN = { left: 64, right: 16, top: 10, bottom: 28 };
const TICK_WIDTH = 90;

export function SequenceChart({ effect }: { effect: PromptEffect }) {
  const [ref, width] = useWidth();
  const [cursor, setCursor] = useState<number | null>(null);
  const { sequence, metric } = effect;
  const point = sequence[cursor ?? sequence.length - 1] ?? sequence.at(-1)!;
  const zone = timeZone.value;
  const shown = point.difference === null ? '–' : PROMPT_METRICS[metric].difference(point.difference);
  return (
    <div class="sequence">
      <ul class="sequence-legend">
        <li class="is-time">{shortInstant(Date.parse(point.time), zone, nowMs.value)}</li>
        <li>
          <span class="sequence-key is-line" /> difference <b>{shown}</b>
        </li>
        <li>
          <span class="sequence-key is-band" />
          <span class="term" tabIndex={0} {...tip(DEFINITIONS.sequence)}>
            interval
          </span>{' '}
          <b>{differenceWords(metric, point)}</b>
        </li>
        <li>
          <span class="sequence-key is-margin" />
          <span class="term" tabIndex={0} {...tip(DEFINITIONS.margin)}>
            not worth having
          </span>
        </li>
      </ul>
      <div ref={ref} class="sequence-plot">
        {width > 0 && <Plot effect={effect} width={width} cursor={cursor} onCursor={setCursor} />}
      </div>
    </div>
  );
}

interface PlotProps {
  effect: PromptEffect;
  width: number;
  cursor: number | null;
  onCursor: (index: number | null) => void;
}

function Plot({ effect, width, cursor, onCursor }: PlotProps) {
  const { sequence, metric, margin, decide_time: decided } = effect;
  const zone = timeZone.value;
  const times = useMemo(() => sequence.map((point) => Date.parse(point.time)), [sequence]);
  const [startMs, endMs] = [times[0]!, times.at(-1)!];
  const extent = useMemo(() => sequenceExtent(sequence, margin), [sequence, margin]);
  const scale = linearScale([extent.low, extent.high], 6);
  const bottom = HEIGHT - MARGIN.bottom;
  const right = width - MARGIN.right;
  const x = (ms: number): number => MARGIN.left + ((ms - startMs) / (endMs - startMs || 1)) * (right - MARGIN.left);
  const y = (value: number): number =>
    MARGIN.top + (1 - Math.min(1, Math.max(0, scale.at(value)))) * (bottom - MARGIN.top);
  const ticks = timeTicks(startMs, endMs, zone, Math.floor(width / TICK_WIDTH));
  const follow = (event: PointerEvent): void => {
    const { left } = (event.currentTarget as SVGElement).getBoundingClientRect();
    onCursor(
      nearest(times, startMs + ((event.clientX - left - MARGIN.left) / (right - MARGIN.left)) * (endMs - startMs)),
    );
  };
  return (
    <svg
      width={width}
      height={HEIGHT}
      role="img"
      aria-label={`The difference over time; now ${differenceWords(metric, effect)}`}
      onPointerMove={follow}
      onPointerLeave={() => onCursor(null)}
    >
      <rect
        class="sequence-margin"
        x={MARGIN.left}
        width={right - MARGIN.left}
        y={y(margin)}
        height={y(-margin) - y(margin)}
      />
      {scale.ticks.map((tick) => (
        <g key={tick} class="sequence-tick">
          <path d={`M${MARGIN.left} ${y(tick)}H${right}`} class={Math.abs(tick) < 1e-9 ? 'is-zero' : ''} />
          <text x={MARGIN.left - 8} y={y(tick)} text-anchor="end" dominant-baseline="central">
            {Math.abs(tick) < 1e-9 ? 'same' : PROMPT_METRICS[metric].difference(tick)}
          </text>
        </g>
      ))}
      {ticks.map(({ ms, words }) => (
        <text key={ms} class="sequence-time" x={x(ms)} y={HEIGHT - 8} text-anchor="middle">
          {words}
        </text>
      ))}
      <path class="sequence-band" d={bandPath(sequence, times, x, y)} />
      <path class="sequence-line" d={linePath(sequence, times, x, y)} />
      {decided && (
        <Decided
          x={x(Math.max(startMs, Date.parse(decided)))}
          bottom={bottom}
          isAtEnd={x(Date.parse(decided)) > width * 0.75}
        />
      )}
      {cursor !== null && <path class="sequence-cursor" d={`M${x(times[cursor]!)} ${MARGIN.top}V${bottom}`} />}
    </svg>
  );
}

function Decided({ x, bottom, isAtEnd }: { x: number; bottom: number; isAtEnd: boolean }) {
  return (
    <g class="sequence-decided">
      <path d={`M${x} ${MARGIN.top}V${bottom}`} />
      <text x={x + (isAtEnd ? -6 : 6)} y={MARGIN.top + 12} text-anchor={isAtEnd ? 'end' : 'start'}>
        decided
      </text>
    </g>
  );
}

type Place = (value: number) => number;

function nearest(times: readonly number[], ms: number): number {
  let best = 0;
  times.forEach((time, index) => {
    if (Math.abs(time - ms) < Math.abs(times[best]! - ms)) best = index;
  });
  return best;
}

/** Ends that are not known are beyond what is drawn. */
function bandPath(sequence: readonly PromptPoint[], times: readonly number[], x: Place, y: Place): string {
  const known = sequence
    .map((point, index) => ({ point, at: x(times[index]!) }))
    .filter(({ point }) => point.difference !== null);
  const upper = known.map(({ point, at }) => `${at} ${y(point.high ?? Infinity)}`);
  const lower = known.map(({ point, at }) => `${at} ${y(point.low ?? -Infinity)}`).reverse();
  return known.length > 0 ? `M${[...upper, ...lower].join('L')}Z` : '';
}

function linePath(sequence: readonly PromptPoint[], times: readonly number[], x: Place, y: Place): string {
  const known = sequence.flatMap((point, index) =>
    point.difference === null ? [] : [`${x(times[index]!)} ${y(point.difference)}`],
  );
  return known.length > 0 ? `M${known.join('L')}` : '';
}
