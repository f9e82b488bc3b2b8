// Who is told: the receivers, and below them what became of each message.
import { useEffect } from 'preact/hooks';
import { listReceivers } from '../../api/notification';
import type { Receiver } from '../../api/model';
import { plural } from '../../format/format';
import { CHANNEL_WORDS, channelOf, targetWords } from '../../metrics/receivers';
import { AlertingNav } from '../../parts/AlertingNav';
import { ChannelIcon } from '../../parts/ChannelIcon';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayAdminister, project } from '../../state/session';
import { addressOf } from '../../state/view';
import '../../parts/entries.css';
import { Deliveries } from './Deliveries';
import './receivers.css';

const DEFAULT_ID = 'default';

export default function Receivers() {
  useConnection();
  const { data, error, reload } = useResource(project.value, (signal) => listReceivers(project.value, signal));
  useEffect(() => {
    document.title = `Receivers · ${project.value} · Assay`;
  }, [project.value]);
  const hasDefault = data?.some((one) => one.receiver_id === DEFAULT_ID) ?? true;
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page">
        <AlertingNav />
        <header class="page-header">
          <h1 class="page-title">Receivers</h1>
          <p class="is-faint" role="status">
            {data && plural(data.length, 'receiver')}
          </p>
          {mayAdminister.value && (
            <a class="button is-primary page-aside" href={addressOf('/receivers/new')}>
              New receiver
            </a>
          )}
        </header>
        {!hasDefault && (
          <p class="note is-warning">
            <Icon name="warning" /> There is no receiver “default”: what no route sends elsewhere reaches nobody.
          </p>
        )}
        <section class="card" aria-label="Receivers" aria-busy={!data && !error}>
          {data && data.length > 0 && (
            <ul class="receivers">
              {data.map((one) => (
                <ReceiverEntry key={one.receiver_id} receiver={one} />
              ))}
            </ul>
          )}
          {data?.length === 0 && (
            <State icon="people" title="Nobody is told yet">
              <p>Make a receiver called “default”, and every alert reaches it.</p>
            </State>
          )}
          {!data && !error && <EntriesSkeleton />}
          {!data && error && <Failure what="Receivers are not known now" error={error} onRetry={reload} />}
        </section>
        <Deliveries />
      </main>
    </>
  );
}

function ReceiverEntry({ receiver }: { receiver: Receiver }) {
  const channel = channelOf(receiver);
  return (
    <li class="receiver">
      <ChannelIcon channel={channel} />
      <div class="entry-what">
        <a class="entry-link" href={addressOf(`/receivers/${encodeURIComponent(receiver.receiver_id)}`)}>
          {receiver.display_name || receiver.receiver_id}
        </a>
        <p class="entry-facts">
          {receiver.display_name && <code>{receiver.receiver_id}</code>}
          <span>{CHANNEL_WORDS[channel]}</span>
          <span class="receiver-target">{targetWords(receiver)}</span>
        </p>
      </div>
    </li>
  );
}
