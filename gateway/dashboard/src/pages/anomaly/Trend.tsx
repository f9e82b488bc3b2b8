// The metric around the episode, with what was usual behind it. Dragging looks closer; the address holds the stretch of time.
import { useMemo } from 'preact/hooks';
import { getBaselines } from '../../api/analyzer';
import { getMetrics } from '../../api/client';
import type { Anomaly, MetricName } from '../../api/model';
import { slots } from '../../metrics/windows';
import { Icon } from '../../parts/Icon';
import { MetricChart } from '../../parts/MetricChart';
import { nowMs } from '../../state/now';
import { stepsOf, type Fixed } from '../../state/ranges';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { addressOf, filtersOf, view, zoom } from '../../state/view';
import { contextOf } from './context';

const REFRESH_MS = 60_000;

/** Where a field is missing, or calls are, their number says more than the field's values. */
function shownMetric({ kind, metric }: Anomaly): MetricName {
  return kind === 'SILENCE' ? 'CALL_VOLUME' : metric;
}

export function Trend({ anomaly }: { anomaly: Anomaly }) {
  const metric = shownMetric(anomaly);
  const filters = filtersOf(anomaly.scope);
  const { range } = view.value;
  const untilMs = Math.floor(nowMs.value / REFRESH_MS) * REFRESH_MS;
  const shown: Fixed = range.kind === 'fixed' ? range : contextOf(anomaly, untilMs);
  const { startMs, endMs } = shown;
  const { step_s } = stepsOf(shown);
  const question = JSON.stringify([project.value, timeZone.value, metric, filters, shown]);

  const measured = useResource(question, async (signal) => {
    const time = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
    const common = { project: project.value, time_zone: timeZone.value, group_by: [], filters, step_s };
    const metrics = await getMetrics({ ...common, ...time }, signal);
    const asOfMs = metrics.as_of ? Date.parse(metrics.as_of) : endMs;
    return { slots: slots(metrics.series[0]?.windows ?? [], startMs, endMs, step_s * 1_000), asOfMs };
  });
  const usual = useResource(question, async (signal) => {
    const { bands } = await getBaselines({ project: project.value, metric, startMs, endMs, step_s, filters }, signal);
    return bands[0]?.points ?? [];
  });
  const episodes = useMemo(
    () => [
      {
        startMs: Date.parse(anomaly.start_time),
        endMs: anomaly.end_time === null ? null : Date.parse(anomaly.end_time),
        severity: anomaly.severity,
      },
    ],
    [anomaly],
  );
  return (
    <section class="anomaly-trend" aria-label="Trend">
      <MetricChart
        metric={metric}
        slots={measured.data?.slots ?? []}
        asOfMs={measured.data?.asOfMs ?? 0}
        step_s={step_s}
        usual={usual.data}
        episodes={episodes}
        onZoom={zoom}
      />
      <p class="anomaly-trend-foot">
        <a href={addressOf('/series', { filters, range: shown })}>
          <Icon name="trend" /> All metrics of it
        </a>
        {range.kind === 'fixed' && <a href={addressOf(`/anomalies/${anomaly.anomaly_id}`)}>The whole episode</a>}
        <span class="is-faint" role="status">
          {measured.error && `The numbers could not be had: ${measured.error.message}`}
          {!measured.error && usual.error && 'What is usual is not known now.'}
        </span>
      </p>
    </section>
  );
}
