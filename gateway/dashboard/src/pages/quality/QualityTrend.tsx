// The score over time with what it may be.
import { useMemo } from 'preact/hooks';
import type { QualityQuery } from '../../api/quality';
import type { QualitySummary } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { score } from '../../format/format';
import { trendOf } from '../../metrics/quality';
import { TimeChart } from '../../parts/TimeChart';
import { timeZone } from '../../state/session';
import { zoom } from '../../state/view';

interface QualityTrendProps {
  trend: readonly QualitySummary[];
  query: QualityQuery;
  step_s: number;
}

const INTERVAL = ['90 % interval', DEFINITIONS.qualityEstimate] as const;

/** Not the whole scale, or nothing would ever be seen to move; in steps of a tenth. */
function extentOf(least: number, most: number): [number, number] {
  return [Math.max(0, Math.floor(least * 10 - 1e-9) / 10), Math.min(1.005, Math.ceil(most * 10 + 1e-9) / 10)];
}

export function QualityTrend({ trend, query, step_s }: QualityTrendProps) {
  const { slots, means, band } = useMemo(
    () => trendOf(trend, query.startMs, query.endMs, step_s),
    [trend, query.startMs, query.endMs, step_s],
  );
  const lines = useMemo(
    () => [{ label: 'score', colour: '--data-blue', mark: 'solid' as const, values: means }],
    [means],
  );
  return (
    <div class="quality-trend">
      <TimeChart
        title="Score over time"
        definition={`${DEFINITIONS.qualityEstimate} Drag to zoom in.`}
        slots={slots}
        lines={lines}
        band={band}
        bandWords={INTERVAL}
        restIndex={Math.max(
          0,
          means.findLastIndex((value) => value !== null),
        )}
        format={score}
        extent={extentOf}
        zone={timeZone.value}
        onZoom={zoom}
      />
    </div>
  );
}
