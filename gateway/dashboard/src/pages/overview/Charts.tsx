// All calls over time: how many, how well, how fast.
import { useMemo } from 'preact/hooks';
import type { MetricWindow } from '../../api/model';
import { count, duration, ratio, text } from '../../format/format';
import { slots, type Slot } from '../../metrics/windows';
import { durationExtent, durationTicks, WHOLE_INCREMENTS } from '../../parts/charting';
import { TimeChart, type Line } from '../../parts/TimeChart';
import { overview } from '../../state/live';
import { SHORTEST_FIXED_MS, STEP_NAMES, stepsOf } from '../../state/ranges';
import { timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';

/**
 * Values of the slots that are over by `asOfMs`. One that is not holds the calls that have ended: failures do so at once and good answers
 * take their time, so that it would look worse than it is.
 */
function valuesOf(
  all: readonly Slot[],
  asOfMs: number,
  value: (window: MetricWindow) => number | null | undefined,
): (number | null)[] {
  return all.map((slot) => (slot.window && slot.endMs <= asOfMs ? (value(slot.window) ?? null) : null));
}

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
  const p95 = valuesOf(all, asOfMs, (window) => window.latency_s?.p95);
  const median = valuesOf(all, asOfMs, (window) => window.latency_s?.p50);
  return [
    { label: 'p95', colour: '--data-violet', mark: 'dashed', values: p95 },
    { label: 'median', colour: '--data-blue', mark: 'solid', values: median },
  ];
}

const fromZero = (_: number, most: number): [number, number] => [0, most > 0 ? most * 1.08 : 1];

/** At least the upper tenth, so that a small loss does not look like a collapse; lower in steps of ten percent. */
const fromBelowOne = (least: number): [number, number] => [Math.min(0.9, Math.floor(least * 10) / 10), 1.005];

function zoom(startMs: number, endMs: number): void {
  const missingMs = Math.max(0, SHORTEST_FIXED_MS - (endMs - startMs)) / 2;
  changeView({ range: { kind: 'fixed', startMs: startMs - missingMs, endMs: endMs + missingMs } });
}

export function Charts() {
  const { trend, asOfMs, isLoading } = overview.value;
  const { range } = view.value;
  const { step_s } = stepsOf(range);
  const endMs = range.kind === 'fixed' ? range.endMs : asOfMs;
  const startMs = range.kind === 'fixed' ? range.startMs : asOfMs - range.range_s * 1_000;

  // While a new range is on its way, the old one stays: its windows would not fit into the new one's steps.
  const all = useMemo(() => (asOfMs ? slots(trend, startMs, endMs, step_s * 1_000) : []), [trend, isLoading]);
  const calls = useMemo(() => callLines(all), [all]);
  const success = useMemo<Line[]>(
    () => [
      {
        label: 'succeeded',
        colour: '--data-green',
        mark: 'solid',
        values: valuesOf(all, asOfMs, (window) => window.success_ratio),
      },
    ],
    [all],
  );
  const latency = useMemo(() => latencyLines(all, asOfMs), [all]);

  const rest = all.findLastIndex((slot) => slot.endMs <= asOfMs);
  const common = { slots: all, restIndex: rest < 0 ? all.length - 1 : rest, zone: timeZone.value, onZoom: zoom };
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
        extent={fromZero}
      />
      <TimeChart
        {...common}
        title="Success"
        definition="Calls that succeeded, of all but those that their caller cancelled. The axis need not begin at zero."
        lines={success}
        format={ratio}
        extent={fromBelowOne}
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
