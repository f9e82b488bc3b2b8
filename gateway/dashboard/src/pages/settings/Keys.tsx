// The keys of a project, or of the installation: made, shown once, revoked.
import { useState } from 'preact/hooks';
import { listKeys, revokeKey } from '../../api/access';
import type { Key } from '../../api/model';
import { plural } from '../../format/format';
import { instant, shortInstant } from '../../format/time';
import { ROLE_WORDS, stateOf, type KeyState } from '../../metrics/keys';
import { Confirm } from '../../parts/Confirm';
import { EntriesSkeleton } from '../../parts/Entries';
import { Check } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useAction } from '../../state/action';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { session, timeZone } from '../../state/session';
import { NewKeyDialog } from './NewKeyDialog';

const PAGE_SIZE = 1_000;
const STATE_WORDS: Readonly<Record<KeyState, string>> = { works: 'works', expired: 'expired', revoked: 'revoked' };

export function Keys({ of: owner }: { of: string }) {
  const [isMaking, setMaking] = useState(false);
  const [withOver, setWithOver] = useState(false);
  const pages = usePages({
    question: owner,
    changes: 0,
    ask: async (token, signal) => {
      const page = await listKeys(owner, PAGE_SIZE, token, signal);
      return { items: page.keys, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.key_id,
  });
  const { items, error } = pages;
  // An installation's list has the keys of all projects.
  const own = items?.filter((one) => (one.project ?? '') === owner);
  const shown = own?.filter((one) => withOver || stateOf(one, nowMs.value) === 'works');
  const title = owner ? `Keys of ${owner}` : 'Keys of the installation';
  return (
    <section class="card" aria-label={title} aria-busy={!items && !error}>
      <header class="list-header">
        <h2>{title}</h2>
        <p class="is-faint" role="status">
          {shown && plural(shown.length, 'key')}
        </p>
        <span class="settings-tools">
          <Check label="Also those that are over" isOn={withOver} onChange={setWithOver} />
          <button type="button" class="button is-primary" onClick={() => setMaking(true)}>
            New key
          </button>
        </span>
      </header>
      {shown && shown.length > 0 && <KeyTable keys={shown} onChange={pages.reload} title={title} />}
      {shown?.length === 0 && !pages.hasMore && (
        <State icon="key" title="No key works">
          <p>Agents record with a key of the role “Record”.</p>
        </State>
      )}
      {!items && !error && <EntriesSkeleton />}
      {!items && error && <Failure what="Keys are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
      <NewKeyDialog owner={owner} isOpen={isMaking} onClose={() => setMaking(false)} onMade={pages.reload} />
    </section>
  );
}

function KeyTable({ keys, onChange, title }: { keys: readonly Key[]; onChange: () => void; title: string }) {
  return (
    <div class="settings-scroll" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
      <table class="settings-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">May</th>
            <th scope="col">Made</th>
            <th scope="col">Works until</th>
            <th scope="col">
              <span class="visually-hidden">What can be done</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((one) => (
            <KeyRow key={one.key_id} of={one} onChange={onChange} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function KeyRow({ of: key, onChange }: { of: Key; onChange: () => void }) {
  const { isBusy, error, run } = useAction();
  const zone = timeZone.value;
  const state = stateOf(key, nowMs.value);
  const isOwn = key.key_id === session.value?.key_id;
  const made = key.create_time ? Date.parse(key.create_time) : null;
  const revoke = (): void =>
    void run(async () => {
      await revokeKey(key.project ?? '', key.key_id);
      onChange();
    });
  return (
    <tr class={state === 'works' ? '' : 'is-over'}>
      <th scope="row">
        <b>{key.display_name || '(no name)'}</b> <code class="is-faint">{key.key_id}</code>
        {isOwn && <span class="settings-mark">you</span>}
      </th>
      <td>
        {key.roles.map((role) => (
          <span key={role} class="settings-role" {...tip(ROLE_WORDS[role][1])}>
            {ROLE_WORDS[role][0]}
          </span>
        ))}
      </td>
      <td>{made !== null && <span {...tip(instant(made, zone))}>{shortInstant(made, zone, nowMs.value)}</span>}</td>
      <td>
        {state === 'works' && key.expire_time === null && 'it is revoked'}
        {state === 'works' && key.expire_time !== null && instant(Date.parse(key.expire_time), zone)}
        {state !== 'works' && (
          <>
            <Icon name="barred" /> {STATE_WORDS[state]}
          </>
        )}
      </td>
      <td class="settings-actions">
        {state === 'works' && (
          <Confirm
            label="Revoke"
            question={isOwn ? 'It is yours: you will be signed out.' : 'Who uses it is cut off.'}
            action="Revoke it"
            explanation="It stops working everywhere within 5 seconds, and so do sessions that came from it"
            isDisabled={isBusy}
            onConfirm={revoke}
          />
        )}
        {error && (
          <span class="is-bad" role="alert">
            {error.message}
          </span>
        )}
      </td>
    </tr>
  );
}
