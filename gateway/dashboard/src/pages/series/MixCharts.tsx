// What the calls that did not succeed came to, and how latency is spread.
import { useMemo } from 'preact/hooks';
import { DEFINITIONS } from '../../definitions';
import { count, duration, text } from '../../format/format';
import { percentileLines, unsuccessfulLines } from '../../metrics/mix';
import { restIndexOf, type Slot } from '../../metrics/windows';
import { durationExtent, durationTicks, WHOLE_INCREMENTS, zeroExtent } from '../../parts/charting';
import { TimeChart } from '../../parts/TimeChart';
import { STEP_NAMES } from '../../state/ranges';
import { timeZone } from '../../state/session';
import { zoom } from '../../state/view';

interface MixChartsProps {
  slots: readonly Slot[];
  asOfMs: number;
  step_s: number;
}

export function MixCharts({ slots, asOfMs, step_s }: MixChartsProps) {
  const outcomes = useMemo(() => unsuccessfulLines(slots), [slots]);
  const percentiles = useMemo(() => percentileLines(slots, asOfMs), [slots, asOfMs]);
  const common = { slots, restIndex: restIndexOf(slots, asOfMs), zone: timeZone.value, onZoom: zoom };
  return (
    <div class="series-mixes">
      <TimeChart
        {...common}
        title={`Calls that did not succeed, per ${STEP_NAMES[step_s] ?? text(duration(step_s))}`}
        definition="Each by how it ended, standing on each other. The last bar is still filling."
        lines={outcomes}
        format={count}
        increments={WHOLE_INCREMENTS}
        extent={zeroExtent}
      />
      <TimeChart
        {...common}
        title="Latency, percentiles"
        definition={DEFINITIONS.latency}
        lines={percentiles}
        format={duration}
        logTicks={durationTicks}
        extent={durationExtent}
      />
    </div>
  );
}
