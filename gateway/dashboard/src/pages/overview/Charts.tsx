// All calls over time: how many, how well, how fast.
import { useMemo } from 'preact/hooks';
import type { MetricWindow } from '../../api/model';
import { count, duration, ratio, text } from '../../format/format';
import { earlier } from '../../metrics/previous';
import { restIndexOf, settledValues, slots, type Slot } from '../../metrics/windows';
import { durationExtent, durationTicks, ratioExtent, WHOLE_INCREMENTS, zeroExtent } from '../../parts/charting';
import { TimeChart, type Line } from '../../parts/TimeChart';
import { overview } from '../../state/live';
import type { Previous } from '../../state/previous';
import { STEP_NAMES, stepsOf } from '../../state/ranges';
import { timeZone } from '../../state/session';
import { view, zoom } from '../../state/view';

/** A bar without height would still have an outline. */
const orNothing = (count: number): number | null => count || null;

function callLines(all: readonly Slot[]): Line[] {
  const total = all.map((slot) => slot.window?.call_count ?? 0);
  const succeeded = all.map((slot) => slot.window?.outcome_counts['SUCCEEDED'] ?? 0);
  const others = total.map((one, index) => one - succeeded[index]!);
  return [
    {
      label: 'other outcomes',
      colour: '--data-orange',
      mark: 'hatched-bars',
      values: others,
      drawn: total.map(orNothing),
    },
    { label: 'succeeded', colour: '--data-blue', mark: 'bars', values: succeeded, drawn: succeeded.map(orNothing) },
  ];
}

function latencyLines(all: readonly Slot[], asOfMs: number): Line[] {
  const p95 = settledValues(all, asOfMs, (window) => window.latency_s?.p95);
  const median = settledValues(all, asOfMs, (window) => window.latency_s?.p50);
  return [
    { label: 'p95', colour: '--data-violet', mark: 'dashed', values: p95 },
    { label: 'median', colour: '--data-blue', mark: 'solid', values: median },
  ];
}

function before(slots: readonly Slot[] | null, of: (window: MetricWindow) => number | null | undefined): Line[] {
  if (!slots) return [];
  return [{ label: 'before', colour: '--data-grey', mark: 'dashed', values: settledValues(slots, Infinity, of) }];
}

export function Charts({ previous }: { previous: Previous | null }) {
  const { trend, asOfMs, isLoading } = overview.value;
  const { range } = view.value;
  const { step_s } = stepsOf(range);
  const endMs = range.kind === 'fixed' ? range.endMs : asOfMs;
  const startMs = range.kind === 'fixed' ? range.startMs : asOfMs - range.range_s * 1_000;

  // While a new range is on its way, the old one stays: its windows would not fit into the new one's steps.
  const all = useMemo(() => (asOfMs ? slots(trend, startMs, endMs, step_s * 1_000) : []), [trend, isLoading]);
  const past = useMemo(() => previous && earlier(all, previous.windows, previous.shiftMs), [all, previous]);
  const calls = useMemo(() => [...callLines(all), ...before(past, (window) => window.call_count)], [all, past]);
  const success = useMemo<Line[]>(
    () => [
      ...before(past, (window) => window.success_ratio),
      {
        label: 'succeeded',
        colour: '--data-green',
        mark: 'solid',
        values: settledValues(all, asOfMs, (window) => window.success_ratio),
      },
    ],
    [all, past],
  );
  const latency = useMemo(
    () => [...before(past, (window) => window.latency_s?.p50), ...latencyLines(all, asOfMs)],
    [all, past],
  );

  const common = { slots: all, restIndex: restIndexOf(all, asOfMs), zone: timeZone.value, onZoom: zoom };
  const step = STEP_NAMES[step_s] ?? text(duration(step_s));
  return (
    <div class="charts">
      <TimeChart
        {...common}
        title={`Calls per ${step}`}
        definition="Calls by the time they started. The last bar is still filling. Drag to zoom in."
        lines={calls}
        format={count}
        increments={WHOLE_INCREMENTS}
        extent={zeroExtent}
      />
      <TimeChart
        {...common}
        title="Success"
        definition="Calls that succeeded, of all but those that their caller cancelled. The axis need not begin at zero."
        lines={success}
        format={ratio}
        extent={ratioExtent}
      />
      <TimeChart
        {...common}
        title="Latency"
        definition="Latency of the calls that succeeded: half were faster than the median, 95 of 100 faster than p95. The axis is logarithmic."
        lines={latency}
        format={duration}
        logTicks={durationTicks}
        extent={durationExtent}
      />
    </div>
  );
}
