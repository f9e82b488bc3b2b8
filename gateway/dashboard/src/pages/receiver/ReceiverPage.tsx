// One receiver, to be made or changed: tried with a sample before it is saved, and what became of its messages.
import { useEffect, useState } from 'preact/hooks';
import { createReceiver, deleteReceiver, getReceiver, saveReceiver, testReceiver } from '../../api/notification';
import type { Receiver, ReceiverBody, ReceiverTest } from '../../api/model';
import { duration, text } from '../../format/format';
import { instant } from '../../format/time';
import { idFrom } from '../../metrics/rules';
import { CHANNEL_WORDS, channelOf, newReceiver, receiverBodyOf, receiverProblems } from '../../metrics/receivers';
import { Confirm } from '../../parts/Confirm';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import type { PageProps } from '../../routes';
import { useAction } from '../../state/action';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayAdminister, mayOperate, project, timeZone } from '../../state/session';
import { addressOf, go } from '../../state/view';
import { Deliveries } from '../receivers/Deliveries';
import { ReceiverFields } from './ReceiverFields';
import './receiver.css';

const NEW = 'new';

export default function ReceiverPage({ name: receiverId }: PageProps) {
  useConnection();
  const isNew = receiverId === NEW;
  const { data, error, reload } = useResource(isNew ? '' : JSON.stringify([project.value, receiverId]), (signal) =>
    getReceiver(project.value, receiverId, signal),
  );
  const title = isNew ? 'New receiver' : data ? data.display_name || data.receiver_id : 'Receiver';
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
  return (
    <>
      <Trouble error="" />
      <main class="page" aria-busy={!isNew && !data && !error}>
        <a class="back" href={addressOf('/receivers')}>
          <Icon name="back" /> Receivers
        </a>
        <header class="page-header">
          <h1 class="page-title">{title}</h1>
          {data && (
            <p class="is-faint">
              {CHANNEL_WORDS[channelOf(data)]}, changed {instant(Date.parse(data.update_time), timeZone.value)}
              {data.updated_by && ` by ${data.updated_by}`}
            </p>
          )}
        </header>
        {(isNew || data) && (
          <div class="receiver-grid">
            <Editor key={data?.version ?? 0} saved={data} onChange={reload} />
            {data && <Deliveries receiverId={data.receiver_id} />}
          </div>
        )}
        {!isNew && !data && (
          <section class="card">
            {error ? <Failure what="The receiver is not known" error={error} onRetry={reload} /> : <EntriesSkeleton />}
          </section>
        )}
      </main>
    </>
  );
}

function Editor({ saved, onChange }: { saved: Receiver | null; onChange: () => void }) {
  const before = saved ? receiverBodyOf(saved) : newReceiver('email');
  const [draft, setDraft] = useState<ReceiverBody>(before);
  const [isTold, setTold] = useState(false);
  const [tested, setTested] = useState<ReceiverTest | null>(null);
  const saving = useAction();
  const testing = useAction();
  const body = saved || draft.receiver_id ? draft : { ...draft, receiver_id: idFrom(draft.display_name) };
  const isChanged = JSON.stringify(draft) !== JSON.stringify(before);
  const secretsSet = saved && channelOf(saved) === channelOf(draft) ? saved.secrets_set : [];
  const problems = receiverProblems(body, secretsSet);
  const isWrong = Object.keys(problems).length > 0;
  const isBusy = saving.isBusy || testing.isBusy;

  function save(): void {
    setTold(true);
    if (isWrong) return;
    void saving.run(async () => {
      if (saved) await saveReceiver(project.value, body, saved.version);
      else await createReceiver(project.value, body);
      if (saved) onChange();
      else go(addressOf(`/receivers/${encodeURIComponent(body.receiver_id)}`), 'replace');
    });
  }

  function test(): void {
    setTold(true);
    if (isWrong) return;
    setTested(null);
    void testing.run(async () =>
      setTested(await testReceiver(project.value, body.receiver_id, isChanged || !saved ? body : null)),
    );
  }

  return (
    <form
      class="card form"
      aria-label="Receiver"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <fieldset disabled={!mayAdminister.value || isBusy}>
        <ReceiverFields
          draft={draft}
          shownId={body.receiver_id}
          isNew={!saved}
          secretsSet={secretsSet}
          problems={isTold ? problems : {}}
          onChange={(next) => {
            setTested(null);
            setDraft(next);
          }}
        />
      </fieldset>
      <p class="form-foot">
        {mayAdminister.value && (
          <button type="submit" class="button is-primary" disabled={isBusy || (saved !== null && !isChanged)}>
            {saving.isBusy ? 'Saving …' : 'Save'}
          </button>
        )}
        {mayOperate.value && (
          <button type="button" class="button" disabled={isBusy} onClick={test}>
            {testing.isBusy ? 'Waiting for an answer …' : 'Send a sample'}
          </button>
        )}
        <span class="is-faint" role="status">
          {!mayAdminister.value ? 'To change it, sign in as an admin.' : saved && !isChanged ? 'As saved.' : 'Not saved yet.'}
        </span>
        {saved && mayAdminister.value && (
          <span class="is-apart">
            <Confirm
              label="Delete"
              question="What waits for it is given up."
              action="Delete it"
              isDisabled={isBusy}
              onConfirm={() =>
                void saving.run(async () => {
                  await deleteReceiver(project.value, saved.receiver_id);
                  go(addressOf('/receivers'));
                })
              }
            />
          </span>
        )}
      </p>
      {tested && <Outcome test={tested} />}
      {isTold && isWrong && (
        <p class="is-bad" role="alert">
          {Object.keys(problems).length === 1 ? 'One field needs' : 'Some fields need'} another look.
        </p>
      )}
      {[saving.error, testing.error].map(
        (error) =>
          error && (
            <p class="is-bad" role="alert" key={error.reason}>
              {error.message}{' '}
              {error.reason === 'RECEIVER_CHANGED' && (
                <button type="button" class="link" onClick={onChange}>
                  Read it again
                </button>
              )}
              {error.reason === 'RECEIVER_IN_USE' && <a href={addressOf('/routing')}>To the routing</a>}
            </p>
          ),
      )}
    </form>
  );
}

function Outcome({ test: { result, detail, elapsed_s } }: { test: ReceiverTest }) {
  const isTaken = result === 'SENT';
  return (
    <p class={`receiver-test ${isTaken ? 'is-good' : 'is-bad'}`} role="status">
      <Icon name={isTaken ? 'check' : 'warning'} />
      <span>
        <b>{isTaken ? 'It took the sample' : 'It did not take the sample'}</b> after {text(duration(elapsed_s))}
        {detail && `: ${detail}`}
      </span>
    </p>
  );
}
