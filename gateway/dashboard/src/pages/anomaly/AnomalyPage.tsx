// One anomaly: what it is, how it shows, which series and calls it is made of, and what people think of it.
import { useEffect } from 'preact/hooks';
import { getAnomaly } from '../../api/analyzer';
import type { WholeAnomaly } from '../../api/model';
import { sentence } from '../../metrics/anomalies';
import { When } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { SeverityBadge } from '../../parts/SeverityBadge';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import type { PageProps } from '../../routes';
import { anomalies as live } from '../../state/anomalies';
import { useConnection } from '../../state/connection';
import { useAtMostEvery } from '../../state/now';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';
import { addressOf } from '../../state/view';
import { Acceptance } from './Acceptance';
import './anomaly.css';
import { Calls } from './Calls';
import { Facts } from './Facts';
import { Marks } from './Marks';
import { Parts } from './Parts';
import { Trend } from './Trend';

const REFRESH_EVERY_MS = 5_000;

export default function AnomalyPage({ name: anomalyId }: PageProps) {
  useConnection();
  // What the stream says of it is newer than what was asked for: then it is asked for again, with its parts and calls.
  const version = live.value?.open.find((one) => one.anomaly_id === anomalyId)?.version ?? 0;
  const latest = useAtMostEvery(REFRESH_EVERY_MS, version);
  const { data, error, reload } = useResource(
    JSON.stringify([project.value, anomalyId]),
    (signal) => getAnomaly(project.value, anomalyId, signal),
    latest,
  );
  const title = data ? sentence(data.anomaly.explanation) : 'Anomaly';
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page anomaly-page" aria-busy={!data && !error}>
        <a class="back" href={addressOf('/anomalies')}>
          <Icon name="back" /> Anomalies
        </a>
        {data && <Whole whole={data} onChange={reload} />}
        {!data && error && (
          <section class="card">
            <Failure
              what={error.status === 404 || error.status === 400 ? 'There is no such anomaly' : 'It is not known now'}
              error={error}
              onRetry={reload}
            />
          </section>
        )}
        {!data && !error && <Skeleton />}
      </main>
    </>
  );
}

function Whole({ whole, onChange }: { whole: WholeAnomaly; onChange: () => void }) {
  const { anomaly } = whole;
  return (
    <>
      <header class="anomaly-head card">
        <SeverityBadge severity={anomaly.severity} isOver={!anomaly.is_open} />
        <h1>{sentence(anomaly.explanation)}</h1>
        <When start={anomaly.start_time} end={anomaly.end_time} />
        {anomaly.merged_into && (
          <p class="anomaly-merged">
            It turned out to be a part of <a href={addressOf(`/anomalies/${anomaly.merged_into}`)}>a wider one</a>.
          </p>
        )}
      </header>
      <div class="anomaly-grid">
        <div class="anomaly-main">
          <Trend anomaly={anomaly} />
          <Parts whole={whole} />
          <Calls whole={whole} />
        </div>
        <div class="anomaly-side">
          <Facts anomaly={anomaly} />
          <Marks whole={whole} onChange={onChange} />
          <Acceptance whole={whole} onChange={onChange} />
        </div>
      </div>
    </>
  );
}

function Skeleton() {
  return (
    <>
      <header class="anomaly-head card" aria-hidden="true">
        <span class="skeleton">Warning</span>
        <p>
          <span class="skeleton">success of a provider fell from 98 % to 71 % since 14:05, 38 of 131 calls</span>
        </p>
      </header>
      <div class="anomaly-grid" aria-hidden="true">
        <div class="anomaly-main">
          <div class="card chart">
            <div class="chart-plot is-waiting" />
          </div>
        </div>
      </div>
    </>
  );
}
