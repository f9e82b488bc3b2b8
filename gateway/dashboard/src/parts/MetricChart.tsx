// One metric over time, with what is usual behind it and the anomalies of it marked.
import { useMemo } from 'preact/hooks';
import type { BaselinePoint, MetricName } from '../api/model';
import { DEFINITIONS } from '../definitions';
import { count, duration, text } from '../format/format';
import { bandOf, isKnown } from '../metrics/band';
import { METRICS } from '../metrics/metric';
import { restIndexOf, settledValues, type Slot } from '../metrics/windows';
import { STEP_NAMES } from '../state/ranges';
import { timeZone } from '../state/session';
import { durationExtent, durationTicks, ratioExtent, WHOLE_INCREMENTS, zeroExtent } from './charting';
import { TimeChart, type Episode, type Line, type TimeChartProps } from './TimeChart';

export interface MetricChartProps {
  metric: MetricName;
  slots: readonly Slot[];
  asOfMs: number;
  step_s: number;
  /** What was usual; null where it is not known. */
  usual: readonly BaselinePoint[] | null;
  episodes: readonly Episode[];
  /** The same slots with the windows of the range before; none where nothing is compared. */
  before?: readonly Slot[] | null;
  onZoom: (startMs: number, endMs: number) => void;
}

type Scale = Pick<TimeChartProps, 'extent' | 'increments' | 'logTicks'>;

const LOGARITHMIC: Scale = { extent: durationExtent, logTicks: durationTicks };
const SCALES: Partial<Record<MetricName, Scale>> = {
  SUCCESS_RATIO: { extent: ratioExtent },
  LATENCY: LOGARITHMIC,
  LATENCY_P95: LOGARITHMIC,
  TIME_TO_FIRST_TOKEN: LOGARITHMIC,
  QUALITY: { extent: (_, most) => [0, Math.max(1, most)] },
  CALL_VOLUME: { extent: zeroExtent, increments: WHOLE_INCREMENTS },
};
const COLOURS: Partial<Record<MetricName, string>> = {
  SUCCESS_RATIO: '--data-green',
  LATENCY_P95: '--data-violet',
  COST_PER_CALL: '--data-orange',
};
const HOUR_S = 3_600;

/** A line that has gaps where there were no calls, but for the calls themselves, of which there were none then. */
function lineOf(metric: MetricName, slots: readonly Slot[], asOfMs: number): Line {
  const { label, of } = METRICS[metric];
  const colour = COLOURS[metric] ?? '--data-blue';
  if (metric !== 'CALL_VOLUME')
    return { label: label.toLowerCase(), colour, mark: 'solid', values: settledValues(slots, asOfMs, of) };
  // The first slot may begin before the range does: that there is no window of it says nothing.
  const none = (index: number): number | null => (index > 0 ? 0 : null);
  const counts = slots.map((slot, index) => (slot.endMs <= asOfMs ? (slot.window?.call_count ?? none(index)) : null));
  return { label: 'calls', colour, mark: 'solid', values: counts };
}

/** The range before, which is over. */
function lineBefore(metric: MetricName, before: readonly Slot[]): Line {
  return { ...lineOf(metric, before, Infinity), label: 'before', colour: '--data-grey', mark: 'dashed' };
}

export function MetricChart({ metric, slots, asOfMs, step_s, usual, episodes, before = null, onZoom }: MetricChartProps) {
  const isVolume = metric === 'CALL_VOLUME';
  const lines = useMemo(
    () => [...(before ? [lineBefore(metric, before)] : []), lineOf(metric, slots, asOfMs)],
    [metric, slots, asOfMs, before],
  );
  const band = useMemo(() => {
    const fitted = usual && bandOf(usual, slots, isVolume ? step_s / HOUR_S : 1);
    return fitted && isKnown(fitted) ? fitted : null;
  }, [usual, slots, isVolume, step_s]);
  const { label, term, format } = METRICS[metric];
  return (
    <TimeChart
      title={isVolume ? `Calls per ${STEP_NAMES[step_s] ?? text(duration(step_s))}` : label}
      definition={DEFINITIONS[isVolume ? 'calls' : term]}
      slots={slots}
      lines={lines}
      band={band}
      episodes={episodes}
      restIndex={restIndexOf(slots, asOfMs)}
      format={isVolume ? (value) => count(value === null || value === undefined ? value : Math.round(value)) : format}
      zone={timeZone.value}
      onZoom={onZoom}
      {...(SCALES[metric] ?? { extent: zeroExtent })}
    />
  );
}
