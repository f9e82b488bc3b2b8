// One series, or several taken together, over time: each metric with what is usual behind it, and the anomalies as marks.
import { useEffect, useMemo } from 'preact/hooks';
import { getBaselines, listAnomalies } from '../../api/analyzer';
import type { Anomaly, BaselinePoint, Filters, MetricName, SeriesKey } from '../../api/model';
import { plural } from '../../format/format';
import { bySeverity, scopeWords } from '../../metrics/anomalies';
import { earlier } from '../../metrics/previous';
import { slots } from '../../metrics/windows';
import { AnomalyList } from '../../parts/AnomalyList';
import { FilterChips } from '../../parts/FilterChips';
import { Icon } from '../../parts/Icon';
import { MetricChart } from '../../parts/MetricChart';
import { Failure, State } from '../../parts/State';
import type { Episode } from '../../parts/TimeChart';
import { Trouble } from '../../parts/Trouble';
import { anomalies as live } from '../../state/anomalies';
import { connection } from '../../state/connection';
import { nowMs, useAtMostEvery } from '../../state/now';
import { usePrevious } from '../../state/previous';
import { stepsOf } from '../../state/ranges';
import { useResource } from '../../state/resource';
import { series, watchSeries } from '../../state/series';
import { project, timeZone } from '../../state/session';
import { addressOf, view, zoom } from '../../state/view';
import { MixCharts } from './MixCharts';
import './series.css';

const CHARTS: readonly MetricName[] = [
  'CALL_VOLUME',
  'SUCCESS_RATIO',
  'LATENCY',
  'LATENCY_P95',
  'TIME_TO_FIRST_TOKEN',
  'COST_PER_CALL',
];
// Baselines move slowly, and anomalies are told of by the stream as well.
const BASELINES_EVERY_MS = 5 * 60_000;
const ANOMALIES_EVERY_MS = 5_000;
const ANOMALIES_MOST = 100;

interface Span {
  startMs: number;
  endMs: number;
  step_s: number;
}

/** What the filters leave, in words. */
function nameOf(filters: Filters): string {
  const entries = Object.entries(filters);
  if (entries.length === 0) return 'All series';
  if (entries.some(([, values]) => values.length > 1)) return 'Chosen series';
  return scopeWords(Object.fromEntries(entries.map(([dimension, values]) => [dimension, values[0]])) as SeriesKey);
}

/** What was usual, by metric; metrics that nothing is known of are missing. */
async function usualOf(
  filters: Filters,
  span: Span,
  signal: AbortSignal,
): Promise<Map<MetricName, readonly BaselinePoint[]>> {
  const asked = CHARTS.map(async (metric) => {
    const { bands } = await getBaselines({ project: project.value, metric, filters, ...span }, signal);
    return [metric, bands[0]?.points ?? []] as const;
  });
  return new Map(await Promise.all(asked));
}

function useAnomalies(filters: Filters, span: Span) {
  const changes = useAtMostEvery(ANOMALIES_EVERY_MS, live.value?.changeCount ?? 0);
  const load = async (signal: AbortSignal): Promise<Anomaly[]> => {
    const time = { start: new Date(span.startMs).toISOString(), end: new Date(span.endMs).toISOString() };
    const page = await listAnomalies({ project: project.value, filters, pageSize: ANOMALIES_MOST, ...time }, signal);
    return page.anomalies
      .filter((one) => !one.merged_into)
      .sort((a, b) => Number(b.is_open) - Number(a.is_open) || bySeverity(a, b));
  };
  return useResource(JSON.stringify([project.value, filters, span]), load, changes);
}

function episodesOf(anomalies: readonly Anomaly[], metric: MetricName): Episode[] {
  return anomalies
    .filter((one) => one.metric === metric)
    .map((one) => ({
      startMs: Date.parse(one.start_time),
      endMs: one.end_time === null ? null : Date.parse(one.end_time),
      severity: one.severity,
    }));
}

export default function Series() {
  const { range, filters } = view.value;
  const zone = timeZone.value;
  const question = JSON.stringify([project.value, range, zone, filters]);
  useEffect(() => watchSeries({ project: project.value, range, timeZone: zone, filters }), [question]);

  const name = nameOf(filters);
  useEffect(() => {
    document.title = `${name} · Assay`;
  }, [name]);

  const { step_s } = stepsOf(range);
  const roundedMs = Math.floor(nowMs.value / BASELINES_EVERY_MS) * BASELINES_EVERY_MS;
  const span: Span =
    range.kind === 'fixed'
      ? { startMs: range.startMs, endMs: range.endMs, step_s }
      : { startMs: roundedMs - range.range_s * 1_000 - step_s * 1_000, endMs: roundedMs + BASELINES_EVERY_MS, step_s };
  const usual = useResource(JSON.stringify([project.value, filters, span]), (signal) => usualOf(filters, span, signal));
  const found = useAnomalies(filters, span);

  const { windows, asOfMs, isLoading, error } = series.value;
  const endMs = range.kind === 'fixed' ? range.endMs : asOfMs;
  const startMs = range.kind === 'fixed' ? range.startMs : asOfMs - range.range_s * 1_000;
  const all = useMemo(() => (asOfMs ? slots(windows, startMs, endMs, step_s * 1_000) : []), [windows, asOfMs]);
  const previous = usePrevious();
  const before = useMemo(() => previous && earlier(all, previous.windows, previous.shiftMs), [all, previous]);
  const episodes = useMemo(
    () => new Map(CHARTS.map((metric) => [metric, episodesOf(found.data ?? [], metric)])),
    [found.data],
  );
  const isStale = connection.value === 'stale';
  return (
    <>
      <Trouble error={error} />
      <main class={`page series-page${isStale ? ' is-stale' : ''}`} aria-busy={isLoading}>
        <header class="page-header">
          <a class="back" href={addressOf('/', { range })}>
            <Icon name="back" /> Overview
          </a>
          <h1 class="page-title">{name}</h1>
          <p class="is-faint" role="status">
            {usual.error && 'What is usual is not known now: the analyzer is not answering.'}
            {!isLoading && windows.length === 0 && 'No calls in this range.'}
          </p>
          <a class="page-aside" href={addressOf('/calls', { filters, range })}>
            Its calls
          </a>
        </header>
        <FilterChips />
        <div class="series-charts">
          {CHARTS.map((metric) => (
            <MetricChart
              key={metric}
              metric={metric}
              slots={all}
              asOfMs={asOfMs}
              step_s={step_s}
              usual={usual.data?.get(metric) ?? null}
              episodes={episodes.get(metric)!}
              before={before}
              onZoom={zoom}
            />
          ))}
        </div>
        <MixCharts slots={all} asOfMs={asOfMs} step_s={step_s} />
        <section class="card" aria-label="Anomalies in this range">
          <header class="list-header">
            <h2>Anomalies in this range</h2>
            <p class="is-faint" role="status">
              {found.data && plural(found.data.length, 'anomaly', 'anomalies')}
            </p>
          </header>
          {found.data && found.data.length > 0 && (
            <AnomalyList anomalies={found.data} label="Anomalies in this range" />
          )}
          {found.data?.length === 0 && <State icon="check" title="Nothing out of the ordinary" />}
          {found.error && !found.data && (
            <Failure what="Anomalies are not known now" error={found.error} onRetry={found.reload} />
          )}
        </section>
      </main>
    </>
  );
}
