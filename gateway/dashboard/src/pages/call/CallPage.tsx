// One call: how it ended, where its time and money went and who says so, and what became known of its answer.
import { useEffect } from 'preact/hooks';
import { getCall, listCalls } from '../../api/calls';
import type { CallWithEvidence, StoredCall } from '../../api/model';
import { plural, score, text } from '../../format/format';
import { instant } from '../../format/time';
import { evidenceWords, outcomeOf } from '../../metrics/calls';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { OutcomeMark } from '../../parts/OutcomeMark';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import type { PageProps } from '../../routes';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { addressOf } from '../../state/view';
import '../anomaly/anomaly.css';
import { CallTable } from '../calls/CallTable';
import './call.css';
import { CallFacts } from './CallFacts';
import { Arrival, Price, Spent } from './Spent';

// More tries than that at one piece of work are rare; the list of calls has all of them.
const TASK_CALLS_MOST = 20;

export default function CallPage({ name: callId }: PageProps) {
  useConnection();
  const { data, error, reload } = useResource(JSON.stringify([project.value, callId]), (signal) =>
    getCall(project.value, callId, signal),
  );
  useEffect(() => {
    document.title = `Call ${callId} · Assay`;
  }, [callId]);
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page" aria-busy={!data && !error}>
        <a class="back" href={addressOf('/calls')}>
          <Icon name="back" /> Calls
        </a>
        {data && <Whole whole={data} onChange={reload} />}
        {!data && (
          <section class="card">
            {error ? (
              <Failure
                what={error.isFinal ? 'There is no such call, or it is not kept any more' : 'It is not known now'}
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

function Whole({ whole, onChange }: { whole: CallWithEvidence; onChange: () => void }) {
  const { call } = whole;
  return (
    <>
      <header class="call-head card">
        <OutcomeMark outcome={outcomeOf(call)} />
        <h1>
          {[call.provider, call.model].filter(Boolean).join(' ')} <span class="is-faint">on</span> {call.task_type}
        </h1>
        <p class="is-faint">{call.start_time && instant(Date.parse(call.start_time), timeZone.value)}</p>
        {call.error_type && (
          <p class="call-error">
            <Icon name="warning" /> {call.error_type}
          </p>
        )}
      </header>
      <div class="anomaly-grid">
        <div class="anomaly-main">
          <Spent call={call} />
          <EvidenceList whole={whole} onChange={onChange} />
          <SameTask call={call} />
        </div>
        <div class="anomaly-side">
          <Price call={call} />
          <CallFacts call={call} />
          <Arrival whole={whole} />
        </div>
      </div>
    </>
  );
}

function EvidenceList({ whole: { call, evidence }, onChange }: { whole: CallWithEvidence; onChange: () => void }) {
  const quality = call.quality_ratio;
  return (
    <section class="card" aria-label="Evidence">
      <header class="list-header">
        <h2>Evidence of its quality</h2>
        <p class="is-faint">{evidence.length > 0 && plural(evidence.length, 'piece')}</p>
        {quality !== null && (
          <p class="call-quality">
            quality <b>{text(score(quality))}</b>
          </p>
        )}
      </header>
      {evidence.length === 0 ? (
        <State icon="info" title="Nothing is known of its answer yet">
          <p>Evidence may come long after the call: tests, reviews, what a person said of it.</p>
          <button type="button" class="button" onClick={onChange}>
            Look again
          </button>
        </State>
      ) : (
        <ol class="evidence">
          {evidence.map(evidenceWords).map(({ id, time, what, facts, comment, scoreRatio }) => (
            <li key={id}>
              <p>
                <b>{what}</b> <span>{facts.join(' · ')}</span>
                {time && <time class="is-faint">{instant(Date.parse(time), timeZone.value)}</time>}
              </p>
              {scoreRatio !== null && <meter min={0} max={1} value={scoreRatio} aria-label={`${what}, 0 to 1`} />}
              {comment && <blockquote>{comment}</blockquote>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Tries and revisions of the same piece of work. */
function SameTask({ call }: { call: StoredCall }) {
  const taskId = call.task_id ?? '';
  const { data } = useResource(taskId && JSON.stringify([project.value, taskId]), (signal) =>
    listCalls({ project: project.value, taskId, pageSize: TASK_CALLS_MOST }, signal),
  );
  const others = data?.calls.filter((one) => one.call_id !== call.call_id) ?? [];
  if (others.length === 0) return null;
  return (
    <section class="card" aria-label="Other calls of its task">
      <header class="list-header">
        <h2>Other calls of its task</h2>
        <p class="is-faint">tries and revisions of the same work</p>
        <a class="call-quality" href={addressOf('/calls', { search: taskId })}>
          All of them
        </a>
      </header>
      <CallTable calls={others} />
    </section>
  );
}
