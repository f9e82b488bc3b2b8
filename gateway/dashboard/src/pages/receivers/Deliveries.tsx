// Messages and the tries to deliver them; what was given up can be sent again.
import { useState } from 'preact/hooks';
import { listDeliveries, retryDelivery } from '../../api/notification';
import type { Delivery, DeliveryState } from '../../api/model';
import { duration, plural, text } from '../../format/format';
import { clock, instant, shortInstant } from '../../format/time';
import { FacetTabs } from '../../parts/Facets';
import { Icon, type IconName } from '../../parts/Icon';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useAction } from '../../state/action';
import { alerts as live } from '../../state/alerts';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, view } from '../../state/view';
import '../../parts/entries.css';
import './deliveries.css';

const PAGE_SIZE = 25;
const STATES = [
  ['', 'All'],
  ['waiting', 'Waiting'],
  ['sent', 'Sent'],
  ['dead', 'Given up'],
] as const;
const WORDS: Readonly<Record<DeliveryState, readonly [string, IconName]>> = {
  WAITING: ['Waiting', 'clock'],
  SENT: ['Sent', 'check'],
  DEAD: ['Given up', 'warning'],
};
const RESULTS = { SENT: 'taken', RETRY: 'not taken, tried again', REFUSED: 'refused for good' } as const;

function wantedState(): DeliveryState | undefined {
  return (['WAITING', 'SENT', 'DEAD'] as const).find((one) => one.toLowerCase() === view.value.facets.delivery);
}

/** Those of a receiver, or of all. */
export function Deliveries({ receiverId = '' }: { receiverId?: string }) {
  const state = wantedState();
  const pages = usePages({
    question: JSON.stringify([project.value, receiverId, state]),
    // Alerts make messages; those that wait are tried by the clock.
    changes: nowMs.value + (live.value?.changeCount ?? 0),
    ask: async (pageToken, signal) => {
      const page = await listDeliveries(
        { project: project.value, state, receiverId, pageSize: PAGE_SIZE, pageToken },
        signal,
      );
      return { items: page.deliveries, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.delivery_id,
  });
  const { items, error } = pages;
  return (
    <section class="card" aria-label="Messages" aria-busy={!items && !error}>
      <header class="list-header">
        <h2>Messages</h2>
        <FacetTabs facet="delivery" label="Which messages" choices={STATES} />
        <p class="is-faint" role="status">
          {items && !pages.hasMore && plural(items.length, 'message')}
        </p>
      </header>
      {items && items.length > 0 && (
        <ul class="entries">
          {items.map((one) => (
            <DeliveryEntry key={one.delivery_id} delivery={one} withReceiver={!receiverId} onChange={pages.reload} />
          ))}
        </ul>
      )}
      {items?.length === 0 && (
        <State icon={state === 'DEAD' ? 'check' : 'mail'} title={state === 'DEAD' ? 'None was given up' : 'No messages'} />
      )}
      {!items && error && <Failure what="Messages are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}

function DeliveryEntry({
  delivery,
  withReceiver,
  onChange,
}: {
  delivery: Delivery;
  withReceiver: boolean;
  onChange: () => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const { isBusy, error, run } = useAction();
  const [words, icon] = WORDS[delivery.state];
  const latest = delivery.attempts.at(-1);
  const resend = (): void =>
    void run(async () => {
      await retryDelivery(project.value, delivery.delivery_id);
      onChange();
    });
  return (
    <li class="entry delivery">
      <span class={`delivery-state is-${delivery.state.toLowerCase()}`}>
        <Icon name={icon} /> {words}
      </span>
      <div class="entry-what">
        <b class="delivery-title">{delivery.title || 'A document'}</b>
        <p class="entry-facts">
          {withReceiver && (
            <span>
              to{' '}
              <a href={addressOf(`/receivers/${encodeURIComponent(delivery.receiver_id)}`)}>{delivery.receiver_id}</a>
            </span>
          )}
          <span>
            <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              {delivery.attempts.length === 0 ? 'not tried yet' : plural(delivery.attempts.length, 'try', 'tries')}
            </button>
          </span>
          {delivery.state !== 'SENT' && latest?.detail && <span class="delivery-detail">{latest.detail}</span>}
          {delivery.state === 'WAITING' && delivery.due_time && (
            <span>
              {Date.parse(delivery.due_time) > nowMs.value ? 'next at' : 'due since'}{' '}
              {clock(Date.parse(delivery.due_time), timeZone.value)}
            </span>
          )}
        </p>
        {isOpen && <Attempts delivery={delivery} />}
        {error && (
          <p class="is-bad" role="alert">
            {error.message}
          </p>
        )}
      </div>
      <p class="entry-when" {...tip(instant(Date.parse(delivery.create_time), timeZone.value))}>
        <b>{shortInstant(Date.parse(delivery.create_time), timeZone.value, nowMs.value)}</b>
      </p>
      {delivery.state === 'DEAD' && mayOperate.value && (
        <div class="entry-actions">
          <button
            type="button"
            class="button"
            disabled={isBusy}
            {...tip('Try it again under its old id, by which the receiver knows a repeat')}
            onClick={resend}
          >
            {isBusy ? 'Sending …' : 'Send again'}
          </button>
        </div>
      )}
    </li>
  );
}

function Attempts({ delivery: { attempts, delivery_id } }: { delivery: Delivery }) {
  return (
    <>
      <ol class="attempts">
        {attempts.map((one) => (
          <li key={one.attempt} class={one.result === 'SENT' ? 'is-sent' : ''}>
            <b>{clock(Date.parse(one.start_time), timeZone.value)}</b>
            <span>
              {one.result ? RESULTS[one.result] : 'under way, or cut off'}
              {one.elapsed_s !== null && ` after ${text(duration(one.elapsed_s))}`}
            </span>
            {one.detail && <span class="delivery-detail">{one.detail}</span>}
          </li>
        ))}
      </ol>
      <p class="is-faint delivery-id">
        id <code>{delivery_id}</code>, the same at each try
      </p>
    </>
  );
}
