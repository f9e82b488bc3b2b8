// Alerts: those that want somebody, live, and below them what there was.
import { useEffect } from 'preact/hooks';
import { listAlerts } from '../../api/alerter';
import type { Alert, Severity } from '../../api/model';
import { plural } from '../../format/format';
import { SEVERITIES } from '../../metrics/anomalies';
import { AlertingNav } from '../../parts/AlertingNav';
import { Away } from '../../parts/Away';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetPicker, FacetTabs } from '../../parts/Facets';
import { History, type HistoryPage } from '../../parts/History';
import { SEVERITY_WORDS } from '../../parts/SeverityBadge';
import { State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { alerts as live } from '../../state/alerts';
import { useConnection } from '../../state/connection';
import { project } from '../../state/session';
import { addressOf, changeView, view } from '../../state/view';
import { AlertList } from './AlertList';
import './alerts.css';

const STATES = [
  ['', 'All'],
  ['firing', 'Firing'],
  ['acknowledged', 'Acknowledged'],
  ['resolved', 'Resolved'],
] as const;
const PAGE_SIZE = 50;

function wantedSeverity(): Severity | undefined {
  return SEVERITIES.find((one) => one === view.value.facets.severity);
}

async function askResolved(pageToken: string, signal?: AbortSignal): Promise<HistoryPage<Alert>> {
  const severity = wantedSeverity();
  const severities = severity ? [severity] : [];
  const page = await listAlerts(
    { project: project.value, states: ['RESOLVED'], severities, pageSize: PAGE_SIZE, pageToken },
    signal,
  );
  return { items: page.alerts, nextPageToken: page.next_page_token };
}

export default function Alerts() {
  useConnection();
  useEffect(() => {
    document.title = `Alerts · ${project.value} · Assay`;
  }, [project.value]);

  const { state } = view.value.facets;
  const question = JSON.stringify([project.value, wantedSeverity()]);
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <AlertingNav />
        <header class="page-header">
          <h1 class="page-title">Alerts</h1>
          <FacetTabs facet="state" label="Which alerts" choices={STATES} />
          <FacetPicker
            facet="severity"
            label="Severity"
            all="Any severity"
            choices={SEVERITIES.map((one) => [one, SEVERITY_WORDS[one]])}
          />
        </header>
        <Away service="alerter" isAway={live.value?.isCurrent === false} />
        {state !== 'resolved' && <Now state={state} />}
        {(!state || state === 'resolved' || !STATES.some(([known]) => known === state)) && (
          <History
            key={question}
            question={question}
            changes={live.value?.changeCount ?? 0}
            ask={askResolved}
            idOf={(one) => one.alert_id}
          >
            {(resolved) => <AlertList alerts={resolved} label="Resolved alerts" />}
          </History>
        )}
      </main>
    </>
  );
}

function isWanted(alert: Alert, state: string | undefined): boolean {
  const severity = wantedSeverity();
  if (severity && alert.severity !== severity) return false;
  if (state === 'firing') return alert.state === 'FIRING';
  return state !== 'acknowledged' || alert.state === 'ACKNOWLEDGED';
}

function Now({ state }: { state: string | undefined }) {
  const known = live.value?.project === project.value ? live.value : null;
  const shown = known?.open.filter((one) => isWanted(one, state)) ?? [];
  return (
    <section class="card" aria-label="Now" aria-busy={!known}>
      <header class="list-header">
        <h2>Now</h2>
        <p class="is-faint" role="status">
          {known && plural(shown.length, 'alert')}
        </p>
      </header>
      {!known && <EntriesSkeleton />}
      {shown.length > 0 && <AlertList alerts={shown} label="Alerts now" />}
      {known && shown.length === 0 && <Calm isCurrent={known.isCurrent} hiddenCount={known.open.length} />}
    </section>
  );
}

function Calm({ isCurrent, hiddenCount }: { isCurrent: boolean; hiddenCount: number }) {
  if (!isCurrent) return <State icon="warning" title="Nothing was firing when the alerter was last heard of" />;
  if (hiddenCount > 0)
    return (
      <State icon="check" title="None that matches">
        <button type="button" class="link" onClick={() => changeView({ facets: {} })}>
          Show all {hiddenCount}
        </button>
      </State>
    );
  return (
    <State icon="check" title="Nothing is firing">
      <p>
        What is told, and when, is for the <a href={addressOf('/rules')}>rules</a> to say.
      </p>
    </State>
  );
}
