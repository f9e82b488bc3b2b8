// The notification policy: who is told of what, when, and who next. It is changed as a whole, and only into one that holds together.
import { useEffect, useState } from 'preact/hooks';
import { getPolicy, listReceivers, savePolicy } from '../../api/notification';
import type { Policy, PolicyBody, Receiver } from '../../api/model';
import { plural } from '../../format/format';
import { instant } from '../../format/time';
import { policyProblems, type Part, type Problem } from '../../metrics/policy';
import { AlertingNav } from '../../parts/AlertingNav';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetTabs } from '../../parts/Facets';
import { Icon } from '../../parts/Icon';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useAction } from '../../state/action';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayAdminister, project, timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';
import { Escalations } from './Escalations';
import { Inhibitions } from './Inhibitions';
import { MuteTimes } from './MuteTimes';
import { Rotas } from './Rotas';
import { Routes } from './Routes';
import './routing.css';

const CHOICES: readonly (readonly [part: Part | '', label: string])[] = [
  ['', 'Routes'],
  ['escalation', 'Escalation'],
  ['rotas', 'On call'],
  ['mute', 'Mute times'],
  ['inhibition', 'Inhibition'],
];
const PROBLEMS_SHOWN = 5;

interface Known {
  policy: Policy;
  receivers: readonly Receiver[];
}

export default function Routing() {
  useConnection();
  const { data, error, reload } = useResource<Known>(project.value, async (signal) => {
    const [policy, receivers] = await Promise.all([
      getPolicy(project.value, signal),
      listReceivers(project.value, signal),
    ]);
    return { policy, receivers };
  });
  useEffect(() => {
    document.title = `Routing · ${project.value} · Assay`;
  }, [project.value]);
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page" aria-busy={!data && !error}>
        <AlertingNav />
        <header class="page-header">
          <h1 class="page-title">Routing</h1>
          <FacetTabs facet="part" label="Which part" choices={CHOICES} />
          {data?.policy.update_time && (
            <p class="is-faint">
              changed {instant(Date.parse(data.policy.update_time), timeZone.value)}
              {data.policy.updated_by && ` by ${data.policy.updated_by}`}
            </p>
          )}
        </header>
        {data ? (
          <Editor key={`${project.value} ${data.policy.version}`} known={data} onChange={reload} />
        ) : (
          <section class="card">
            {error ? <Failure what="The policy is not known now" error={error} onRetry={reload} /> : <EntriesSkeleton />}
          </section>
        )}
      </main>
    </>
  );
}

/** The part of a policy that one may change. */
function policyBodyOf({ update_time: _t, updated_by: _b, version: _v, ...body }: Policy): PolicyBody {
  return body;
}

export interface PartProps {
  policy: PolicyBody;
  receiverIds: readonly string[];
  onChange: (policy: PolicyBody) => void;
}

function Editor({ known: { policy: saved, receivers }, onChange }: { known: Known; onChange: () => void }) {
  const before = policyBodyOf(saved);
  const [draft, setDraft] = useState(before);
  const { isBusy, error, run } = useAction();
  const receiverIds = receivers.map((one) => one.receiver_id);
  const problems = policyProblems(draft, receiverIds);
  const isChanged = JSON.stringify(draft) !== JSON.stringify(before);
  useLeaveWarning(isChanged);

  const props: PartProps = { policy: draft, receiverIds, onChange: setDraft };
  const part = CHOICES.find(([one]) => one === view.value.facets.part)?.[0] ?? '';
  return (
    <form
      class="routing"
      aria-label="Notification policy"
      onSubmit={(event) => {
        event.preventDefault();
        if (problems.length > 0) return;
        void run(async () => {
          await savePolicy(project.value, draft, saved.version);
          onChange();
        });
      }}
    >
      <fieldset class="routing-part" disabled={!mayAdminister.value || isBusy}>
        {part === '' && <Routes {...props} />}
        {part === 'escalation' && <Escalations {...props} />}
        {part === 'rotas' && <Rotas {...props} />}
        {part === 'mute' && <MuteTimes {...props} />}
        {part === 'inhibition' && <Inhibitions {...props} />}
      </fieldset>
      <footer class="card routing-foot">
        {mayAdminister.value ? (
          <>
            <button type="submit" class="button is-primary" disabled={!isChanged || problems.length > 0 || isBusy}>
              {isBusy ? 'Saving …' : 'Save'}
            </button>
            <button type="button" class="button" disabled={!isChanged || isBusy} onClick={() => setDraft(before)}>
              Undo
            </button>
            <span class="is-faint" role="status">
              {isChanged ? 'Not saved yet.' : 'As saved.'}
            </span>
          </>
        ) : (
          <span class="is-faint">To change it, sign in as an admin.</span>
        )}
        <Problems problems={problems} />
        {error && (
          <p class="is-bad" role="alert">
            {error.message}{' '}
            {error.reason === 'POLICY_CHANGED' && (
              <button type="button" class="link" onClick={onChange}>
                Read it again
              </button>
            )}
          </p>
        )}
      </footer>
    </form>
  );
}

/** Has the browser ask before the page is left with changes that were not saved. */
function useLeaveWarning(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isChanged]);
}

/** What keeps it from being saved, each a way to its place. */
function Problems({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <div class="routing-problems" role="alert">
      <p class="is-bad">
        <Icon name="warning" /> {plural(problems.length, 'thing')} to be put right before it can be saved:
      </p>
      <ul>
        {problems.slice(0, PROBLEMS_SHOWN).map(({ part, where, what }) => (
          <li key={`${part} ${where} ${what}`}>
            <button
              type="button"
              class="link"
              onClick={() => changeView({ facets: { ...view.value.facets, part: part === 'routes' ? '' : part } })}
            >
              {where}
            </button>{' '}
            {what}
          </li>
        ))}
      </ul>
    </div>
  );
}
