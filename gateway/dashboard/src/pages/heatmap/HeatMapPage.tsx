// Providers (or models) by tasks: any metric in each cell, coloured by how far it is from usual.
import { useEffect, useMemo } from 'preact/hooks';
import { getBaselines } from '../../api/analyzer';
import { getMetrics } from '../../api/client';
import type { Dimension, MetricName } from '../../api/model';
import { plural } from '../../format/format';
import { keyedWindows, WINDOW_COLUMNS } from '../../metrics/csv-columns';
import { heatMap } from '../../metrics/heat';
import { METRIC_NAMES, METRICS } from '../../metrics/metric';
import { FacetPicker, FacetTabs } from '../../parts/Facets';
import { FilterChips } from '../../parts/FilterChips';
import { SaveCsv } from '../../parts/SaveCsv';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { connection, ledger, useConnection } from '../../state/connection';
import { nowMs, useAtMostEvery } from '../../state/now';
import type { Range } from '../../state/ranges';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { view } from '../../state/view';
import { HeatTable } from './HeatTable';
import './heat-map.css';
import { Legend } from './Legend';

const ROWS = [
  ['', 'Providers'],
  ['model', 'Models'],
] as const;
const REFRESH_EVERY_MS = 4_000;
const BASELINES_EVERY_MS = 5 * 60_000;
// What is usual moves with the hour; so many instants of a range show its mean well.
const BASELINE_POINTS = 24;
const STEP_LEAST_S = 900;

function timeOf(range: Range, roundedMs: number): { startMs: number; endMs: number } {
  if (range.kind === 'fixed') return range;
  return { startMs: roundedMs - range.range_s * 1_000, endMs: roundedMs + BASELINES_EVERY_MS };
}

function useNumbers(dimension: Dimension, metric: MetricName) {
  const { range, filters } = view.value;
  const groupBy: readonly Dimension[] = [dimension, 'task_type'];
  const moves = useAtMostEvery(REFRESH_EVERY_MS, ledger.value?.totals.call.stored_count ?? 0);
  const metrics = useResource(
    JSON.stringify([project.value, range, groupBy, filters, timeZone.value]),
    async (signal) => {
      const time =
        range.kind === 'fixed'
          ? { start: new Date(range.startMs).toISOString(), end: new Date(range.endMs).toISOString() }
          : { start: `-${range.range_s}s` };
      const question = { project: project.value, time_zone: timeZone.value, filters, group_by: groupBy, ...time };
      return { dimension, ...(await getMetrics(question, signal)) };
    },
    range.kind === 'fixed' ? 0 : moves,
  );
  const time = timeOf(range, Math.floor(nowMs.value / BASELINES_EVERY_MS) * BASELINES_EVERY_MS);
  const step_s = Math.max(STEP_LEAST_S, Math.round((time.endMs - time.startMs) / 1_000 / BASELINE_POINTS));
  const question = { project: project.value, metric, filters, groupBy, step_s, ...time };
  const usual = useResource(JSON.stringify(question), async (signal) => ({
    ...{ dimension, metric },
    ...(await getBaselines(question, signal)),
  }));
  return { metrics, usual };
}

export default function HeatMapPage() {
  useConnection();
  const { facets } = view.value;
  const metric = METRIC_NAMES.find((name) => name === facets.metric) ?? 'SUCCESS_RATIO';
  const dimension: Dimension = facets.rows === 'model' ? 'model' : 'provider';
  useEffect(() => {
    document.title = `${METRICS[metric].label} by ${dimension} and task · ${project.value} · Assay`;
  }, [metric, dimension, project.value]);

  const { metrics, usual } = useNumbers(dimension, metric);
  const found = metrics.data?.dimension === dimension ? metrics.data : null;
  // While what is usual for another metric is on its way, that of the one before must not be taken for it.
  const bands = usual.data?.metric === metric && usual.data.dimension === dimension ? usual.data.bands : null;
  const map = useMemo(() => found && heatMap(metric, dimension, found.series, bands ?? []), [found, bands, metric]);
  return (
    <>
      <Trouble error={found && metrics.error ? metrics.error.message : ''} />
      <main class={`page${connection.value === 'stale' ? ' is-stale' : ''}`} aria-busy={!map && !metrics.error}>
        <header class="page-header">
          <h1 class="page-title">Heat map</h1>
          <FacetPicker
            facet="metric"
            label="Metric"
            all={METRICS.SUCCESS_RATIO.label}
            choices={METRIC_NAMES.filter((name) => name !== 'SUCCESS_RATIO').map((name) => [name, METRICS[name].label])}
          />
          <FacetTabs facet="rows" label="Rows" choices={ROWS} />
          <p class="is-faint" role="status">
            {map && `${plural(map.rows.length, dimension)}, ${plural(map.tasks.length, 'task')}`}
            {usual.error && '. What is usual is not known now: the analyzer is not answering.'}
          </p>
          <SaveCsv name={`${dimension}s-and-tasks`} columns={WINDOW_COLUMNS} rows={keyedWindows(found?.series ?? [])} />
        </header>
        <FilterChips />
        <section class="card heat-card" aria-label="Heat map">
          {map && map.rows.length > 0 && <HeatTable map={map} metric={metric} dimension={dimension} />}
          {map?.rows.length === 0 && <State icon="grid" title="No calls in this range" />}
          {!map && !metrics.error && <div class="heat-waiting" />}
          {!map && metrics.error && (
            <Failure what="The numbers are not known now" error={metrics.error} onRetry={metrics.reload} />
          )}
        </section>
        <Legend metric={metric} />
      </main>
    </>
  );
}
