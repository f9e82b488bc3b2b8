// Who changed what in projects and keys, the latest first.
import type { ComponentChildren } from 'preact';
import { listAuditEvents } from '../../api/access';
import { instant } from '../../format/time';
import { EntriesSkeleton } from '../../parts/Entries';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { timeZone } from '../../state/session';

const PAGE_SIZE = 50;

const ACTIONS: Readonly<Record<string, string>> = {
  'key.create': 'made the key',
  'key.revoke': 'revoked the key',
  'project.create': 'made the project',
  'project.update': 'changed the project',
  'login.token': 'made a login link for',
  'login.exchange': 'signed in as',
};

interface AuditProps {
  /** The project; empty for the installation. */
  of: string;
  /** What else stands in its head. */
  children: ComponentChildren;
}

export function Audit({ of: owner, children }: AuditProps) {
  const pages = usePages({
    question: owner,
    changes: nowMs.value,
    ask: async (token, signal) => {
      const page = await listAuditEvents(owner, PAGE_SIZE, token, signal);
      return { items: page.events, nextPageToken: page.next_page_token };
    },
    idOf: ({ time, actor_key_id, action, subject }) => `${time} ${actor_key_id} ${action} ${subject}`,
  });
  const { items, error } = pages;
  return (
    <section class="card" aria-label="Changes" aria-busy={!items && !error}>
      <header class="list-header">
        <h2>Changes</h2>
        {children}
        <p class="is-faint">of projects and keys, the latest first</p>
      </header>
      {items && items.length > 0 && (
        <ol class="audit">
          {items.map(({ time, actor_key_id, action, subject, details }) => (
            <li key={`${time} ${actor_key_id} ${action} ${subject}`}>
              <time class="is-faint">{time && instant(Date.parse(time), timeZone.value)}</time>
              <p>
                <code>{actor_key_id || 'the command line'}</code> {ACTIONS[action] ?? action} <b>{subject}</b>
              </p>
              <p class="is-faint">
                {Object.entries(details)
                  .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
                  .join(', ')}
              </p>
            </li>
          ))}
        </ol>
      )}
      {items?.length === 0 && <State icon="check" title="Nothing was changed yet" />}
      {!items && !error && <EntriesSkeleton />}
      {!items && error && <Failure what="Changes are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}
