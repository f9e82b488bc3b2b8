// One alert: what is wrong and what to do, who looks after it, and all that became of it.
import { useEffect, useState } from 'preact/hooks';
import { getAlert } from '../../api/alerter';
import type { Alert, AlertTransition, WholeAlert } from '../../api/model';
import { instant } from '../../format/time';
import { STATE_WORDS, valueText } from '../../metrics/alerts';
import { sentence } from '../../metrics/anomalies';
import { EntriesSkeleton, When } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { SeverityBadge } from '../../parts/SeverityBadge';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import type { PageProps } from '../../routes';
import { alerts as live } from '../../state/alerts';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, filtersOf } from '../../state/view';
import { AlertActions } from '../alerts/AlertActions';
import '../alerts/alerts.css';
import '../anomaly/anomaly.css';
import './alert.css';

const COMMENT_MOST = 1_000;

export default function AlertPage({ name: alertId }: PageProps) {
  useConnection();
  // A version that is not among the open ones any more is another one as well: then it is over.
  const version = live.value?.open.find((one) => one.alert_id === alertId)?.version ?? 0;
  const { data, error, reload } = useResource(
    JSON.stringify([project.value, alertId]),
    (signal) => getAlert(project.value, alertId, signal),
    version,
  );
  const title = data ? sentence(data.alert.summary || data.alert.rule_name) : 'Alert';
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page" aria-busy={!data && !error}>
        <a class="back" href={addressOf('/alerts')}>
          <Icon name="back" /> Alerts
        </a>
        {data && <Whole whole={data} title={title} onChange={reload} />}
        {!data && (
          <section class="card">
            {error ? (
              <Failure
                what={error.isFinal ? 'There is no such alert' : 'It is not known now'}
                error={error}
                onRetry={reload}
              />
            ) : (
              <EntriesSkeleton />
            )}
          </section>
        )}
      </main>
    </>
  );
}

function Whole({
  whole: { alert, transitions },
  title,
  onChange,
}: {
  whole: WholeAlert;
  title: string;
  onChange: () => void;
}) {
  return (
    <>
      <header class="anomaly-head card">
        <SeverityBadge severity={alert.severity} isOver={alert.resolve_time !== null} />
        <h1>{title}</h1>
        <When start={alert.start_time} end={alert.resolve_time} />
      </header>
      <div class="anomaly-grid">
        <div class="anomaly-main">
          {alert.description && (
            <section class="card marks" aria-label="What to do">
              <h2>What to do</h2>
              <p class="alert-description">{alert.description}</p>
            </section>
          )}
          <Timeline alert={alert} transitions={transitions} />
        </div>
        <div class="anomaly-side">
          <Act alert={alert} onChange={onChange} />
          <AlertFacts alert={alert} />
        </div>
      </div>
    </>
  );
}

function Act({ alert, onChange }: { alert: Alert; onChange: () => void }) {
  const [comment, setComment] = useState('');
  const isOpen = alert.state === 'FIRING' || alert.state === 'ACKNOWLEDGED';
  return (
    <section class="card marks" aria-label="State">
      <h2>
        <span class={`alert-state is-${alert.state.toLowerCase()}`}>{STATE_WORDS[alert.state]}</span>
      </h2>
      {alert.acknowledged_by && <p class="is-faint">Taken on by {alert.acknowledged_by}.</p>}
      {isOpen && mayOperate.value && (
        <>
          <label class="marks-comment">
            <span class="visually-hidden">A word on it</span>
            <input
              class="input"
              placeholder="A word on it (optional)"
              maxLength={COMMENT_MOST}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </label>
          <div class="marks-choices">
            <AlertActions alert={alert} comment={comment} onDone={onChange} />
            <a class="button" href={addressOf('/silences/new', { facets: { alert: alert.alert_id } })}>
              Silence …
            </a>
          </div>
        </>
      )}
      {isOpen && !mayOperate.value && <p class="is-faint">To take it on, sign in with a key that may operate.</p>}
    </section>
  );
}

const SHOWN_ELSEWHERE: readonly string[] = ['alertname', 'rule_id', 'severity', 'project'];

function AlertFacts({ alert }: { alert: Alert }) {
  const { labels } = alert;
  const filters = filtersOf(labels);
  return (
    <section class="card facts" aria-label="Facts">
      <dl>
        <div>
          <dt>Rule</dt>
          <dd>
            <a href={addressOf(`/rules/${encodeURIComponent(alert.rule_id)}`)}>{alert.rule_name}</a>
          </dd>
        </div>
        {alert.observed !== null && (
          <div>
            <dt>Observed</dt>
            <dd>
              <b>{valueText(alert.observed, alert.unit)}</b>
            </dd>
          </div>
        )}
        {alert.threshold !== null && (
          <div>
            <dt>Bound</dt>
            <dd>{valueText(alert.threshold, alert.unit)}</dd>
          </div>
        )}
        {Object.entries(labels)
          .filter(([name]) => !SHOWN_ELSEWHERE.includes(name))
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value || '(none)'}</dd>
            </div>
          ))}
      </dl>
      <p class="alert-links">
        {alert.anomaly_id && <a href={addressOf(`/anomalies/${alert.anomaly_id}`)}>The anomaly</a>}
        <a href={addressOf('/series', { filters })}>Trends</a>
      </p>
    </section>
  );
}

/** The latest first: that is what one comes for. */
function Timeline({ alert, transitions }: { alert: Alert; transitions: readonly AlertTransition[] }) {
  return (
    <section class="card marks" aria-label="Timeline">
      <h2>What became of it</h2>
      <ol class="timeline">
        {[...transitions].reverse().map((one) => (
          <li key={one.version} class={`is-${one.to_state.toLowerCase()}`}>
            <p>
              <b>{STATE_WORDS[one.to_state]}</b>
              {one.observed !== null && ` at ${valueText(one.observed, alert.unit)}`}
              {one.actor && ` by ${one.actor}`}
              <span class="is-faint"> {instant(Date.parse(one.time), timeZone.value)}</span>
            </p>
            {one.cause && <p class="is-faint">{one.cause}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
