// All anomalies: those that are open, live, and below them what there was.
import { useEffect } from 'preact/hooks';
import { listAnomalies, type AnomaliesQuery } from '../../api/analyzer';
import type { Anomaly, Severity } from '../../api/model';
import { plural } from '../../format/format';
import { SEVERITIES } from '../../metrics/anomalies';
import { KIND_NAMES, KINDS, METRIC_NAMES, METRICS } from '../../metrics/metric';
import { AnomalyList } from '../../parts/AnomalyList';
import { Away } from '../../parts/Away';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetPicker, FacetTabs } from '../../parts/Facets';
import { FilterChips } from '../../parts/FilterChips';
import { History, type HistoryPage } from '../../parts/History';
import { SEVERITY_WORDS } from '../../parts/SeverityBadge';
import { State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { anomalies as live } from '../../state/anomalies';
import { useConnection } from '../../state/connection';
import { useAtMostEvery } from '../../state/now';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';
import { changeView, view } from '../../state/view';

const STATES = [
  ['', 'All'],
  ['open', 'Open'],
  ['ended', 'Ended'],
] as const;
const PAGE_SIZE = 50;
// As many as a page of the API has; more than these at once would be one provider-wide anomaly.
const OPEN_MOST = 1_000;
const REFRESH_EVERY_MS = 3_000;

/** What the address asks for, without what makes no sense. */
function wanted(): Pick<AnomaliesQuery, 'kind' | 'metric' | 'severityMin' | 'filters'> {
  const { facets, filters } = view.value;
  const known = (values: readonly string[], value = ''): string => (values.includes(value) ? value : '');
  return {
    kind: known(KIND_NAMES, facets.kind),
    metric: known(METRIC_NAMES, facets.metric),
    severityMin: known(SEVERITIES, facets.severity),
    filters,
  };
}

export default function Anomalies() {
  useConnection();
  useEffect(() => {
    document.title = `Anomalies · ${project.value} · Assay`;
  }, [project.value]);

  const { state } = view.value.facets;
  const question = JSON.stringify([project.value, wanted()]);
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <header class="page-header">
          <h1 class="page-title">Anomalies</h1>
          <FacetTabs facet="state" label="Which anomalies" choices={STATES} />
          <FacetPicker
            facet="severity"
            label="Severity"
            all="Any severity"
            choices={SEVERITIES.map((one) => [one, atLeast(one)])}
          />
          <FacetPicker
            facet="metric"
            label="Metric"
            all="Any metric"
            choices={METRIC_NAMES.map((one) => [one, METRICS[one].label])}
          />
          <FacetPicker
            facet="kind"
            label="Kind"
            all="Any kind"
            choices={KIND_NAMES.map((one) => [one, KINDS[one].label])}
          />
        </header>
        <FilterChips />
        <Away service="analyzer" isAway={live.value?.isCurrent === false} />
        {state !== 'ended' && <Open key={`open ${question}`} question={question} />}
        {state !== 'open' && (
          <History
            key={`history ${question}`}
            question={question}
            changes={live.value?.changeCount ?? 0}
            ask={askEnded}
            idOf={(one) => one.anomaly_id}
          >
            {(ended) => <AnomalyList anomalies={ended} label="Ended anomalies" />}
          </History>
        )}
      </main>
    </>
  );
}

async function askEnded(pageToken: string, signal?: AbortSignal): Promise<HistoryPage<Anomaly>> {
  const question = { project: project.value, isOpen: false, pageSize: PAGE_SIZE, pageToken, ...wanted() };
  const page = await listAnomalies(question, signal);
  return { items: page.anomalies, nextPageToken: page.next_page_token };
}

function atLeast(severity: Severity): string {
  if (severity === 'INFO') return 'Info and above';
  return severity === 'WARNING' ? 'Warning and above' : SEVERITY_WORDS[severity];
}

function isWanted(anomaly: Anomaly, ids: ReadonlySet<string> | null, query: ReturnType<typeof wanted>): boolean {
  if (query.kind && anomaly.kind !== query.kind) return false;
  if (query.metric && anomaly.metric !== query.metric) return false;
  const worst = query.severityMin ? SEVERITIES.indexOf(query.severityMin as Severity) : SEVERITIES.length;
  if (SEVERITIES.indexOf(anomaly.severity) > worst) return false;
  return Object.keys(query.filters ?? {}).length === 0 || (ids?.has(anomaly.anomaly_id) ?? false);
}

/** The open ones, from the stream; which of them a series is part of is for the analyzer to say. */
function Open({ question }: { question: string }) {
  const known = live.value?.project === project.value ? live.value : null;
  const changes = useAtMostEvery(REFRESH_EVERY_MS, known?.changeCount ?? 0);
  const isNarrowed = Object.keys(view.value.filters).length > 0;
  const load = async (signal: AbortSignal): Promise<Set<string>> => {
    const asked = { project: project.value, isOpen: true, pageSize: OPEN_MOST, ...wanted() };
    return new Set((await listAnomalies(asked, signal)).anomalies.map((one) => one.anomaly_id));
  };
  const narrowed = useResource(isNarrowed ? question : '', load, changes);
  const isLoading = !known || (isNarrowed && !narrowed.data && !narrowed.error);
  const query = wanted();
  const shown = known ? known.open.filter((one) => isWanted(one, narrowed.data, query)) : [];
  return (
    <section class="card" aria-label="Open" aria-busy={isLoading}>
      <header class="list-header">
        <h2>Open</h2>
        <p class="is-faint" role="status">
          {!isLoading && plural(shown.length, 'anomaly', 'anomalies')}
        </p>
      </header>
      {isLoading && <EntriesSkeleton />}
      {shown.length > 0 && <AnomalyList anomalies={shown} label="Open anomalies" />}
      {!isLoading && shown.length === 0 && <Calm isCurrent={known.isCurrent} hiddenCount={known.open.length} />}
    </section>
  );
}

function Calm({ isCurrent, hiddenCount }: { isCurrent: boolean; hiddenCount: number }) {
  if (!isCurrent) return <State icon="warning" title="Nothing was open when the analyzer was last heard of" />;
  if (hiddenCount > 0)
    return (
      <State icon="check" title="Nothing open that matches">
        <button type="button" class="link" onClick={() => changeView({ facets: {}, filters: {} })}>
          Show all {hiddenCount}
        </button>
      </State>
    );
  return (
    <State icon="check" title="Nothing is out of the ordinary">
      <p>Anomalies appear here by themselves, within a minute or two of the calls that show them.</p>
    </State>
  );
}
