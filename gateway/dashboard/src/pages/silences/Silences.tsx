// Silences: what is not told of, until when, and why; those that are over as well.
import { useEffect, useState } from 'preact/hooks';
import { expireSilence, listSilences, previewSilence } from '../../api/notification';
import type { Silence } from '../../api/model';
import { length, plural } from '../../format/format';
import { instant, shortInstant } from '../../format/time';
import { AlertingNav } from '../../parts/AlertingNav';
import { Confirm } from '../../parts/Confirm';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetTabs } from '../../parts/Facets';
import { Icon } from '../../parts/Icon';
import { MatcherChips } from '../../parts/MatcherChips';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { Trouble } from '../../parts/Trouble';
import { useAction } from '../../state/action';
import { alerts as live } from '../../state/alerts';
import { useConnection } from '../../state/connection';
import { nowMs, useAtMostEvery } from '../../state/now';
import { usePages } from '../../state/pages';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, view } from '../../state/view';
import '../../parts/entries.css';
import './silences.css';

const STATES = [
  ['', 'In force'],
  ['expired', 'Over'],
] as const;
const REFRESH_MS = 5_000;

/** Those in force first, then those to come; in each the first to end. Of those that are over, the last one first. */
export function bySoonest(a: Silence, b: Silence): number {
  const rank = (one: Silence): number => ['ACTIVE', 'PENDING', 'EXPIRED'].indexOf(one.state);
  const soonest = Date.parse(a.end_time) - Date.parse(b.end_time);
  return rank(a) - rank(b) || (a.state === 'EXPIRED' ? -soonest : soonest);
}

export default function Silences() {
  useConnection();
  useEffect(() => {
    document.title = `Silences · ${project.value} · Assay`;
  }, [project.value]);
  const isOver = view.value.facets.state === 'expired';
  const pages = usePages({
    question: JSON.stringify([project.value, isOver]),
    // Silences begin and end by the clock alone.
    changes: nowMs.value,
    ask: async (token, signal) => {
      const page = await listSilences(project.value, isOver, token, signal);
      return { items: page.silences, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.silence_id,
  });
  const { items, error } = pages;
  const shown = items?.filter((one) => (one.state === 'EXPIRED') === isOver).sort(bySoonest);
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <AlertingNav />
        <header class="page-header">
          <h1 class="page-title">Silences</h1>
          <FacetTabs facet="state" label="Which silences" choices={STATES} />
          <p class="is-faint" role="status">
            {shown && plural(shown.length, 'silence')}
          </p>
          {mayOperate.value && (
            <a class="button is-primary page-aside" href={addressOf('/silences/new')}>
              New silence
            </a>
          )}
        </header>
        <section class="card" aria-label="Silences" aria-busy={!items && !error}>
          {shown && shown.length > 0 && (
            <ul class="entries silences">
              {shown.map((one) => (
                <SilenceEntry key={one.silence_id} silence={one} onChange={pages.reload} />
              ))}
            </ul>
          )}
          {shown?.length === 0 && !pages.hasMore && (
            <State icon={isOver ? 'check' : 'bell'} title={isOver ? 'None is over' : 'Nothing is silent'}>
              {!isOver && <p>A silence keeps alerts from being told of for a while, such as during planned work.</p>}
            </State>
          )}
          {!items && !error && <EntriesSkeleton />}
          {!items && error && <Failure what="Silences are not known now" error={error} onRetry={pages.reload} />}
          <More pages={pages} />
        </section>
      </main>
    </>
  );
}

function SilenceEntry({ silence, onChange }: { silence: Silence; onChange: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const { isBusy, error, run } = useAction();
  const expire = (): void =>
    void run(async () => {
      await expireSilence(project.value, silence.silence_id);
      onChange();
    });
  return (
    <li class={`entry silence is-${silence.state.toLowerCase()}`}>
      <span class="silence-state">
        <Icon name={silence.state === 'ACTIVE' ? 'mute' : silence.state === 'PENDING' ? 'clock' : 'check'} />
        {{ ACTIVE: 'Silent', PENDING: 'To come', EXPIRED: 'Over' }[silence.state]}
      </span>
      <div class="entry-what">
        <MatcherChips matchers={silence.matchers} />
        {silence.comment && <p class="silence-comment">{silence.comment}</p>}
        <p class="entry-facts">
          <span>by {silence.author}</span>
          {silence.state === 'ACTIVE' && (
            <span>
              <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                what it hits
              </button>
            </span>
          )}
          {silence.state === 'ACTIVE' && isOpen && <Hits matchers={silence.matchers} />}
        </p>
        {error && (
          <p class="is-bad" role="alert">
            {error.message}
          </p>
        )}
      </div>
      <Until silence={silence} />
      {silence.state !== 'EXPIRED' && mayOperate.value && (
        <div class="entry-actions">
          <Confirm
            label="End"
            question="End it now?"
            action="End it"
            explanation="What it hits is told of again"
            isDisabled={isBusy}
            onConfirm={expire}
          />
        </div>
      )}
    </li>
  );
}

/** How many open alerts it keeps quiet at present. It is asked again and again, so only for who wants to know. */
function Hits({ matchers }: { matchers: readonly string[] }) {
  const changes = useAtMostEvery(REFRESH_MS, live.value?.changeCount ?? 0);
  const { data, error } = useResource(
    JSON.stringify([project.value, matchers]),
    (signal) => previewSilence(project.value, matchers, signal),
    changes,
  );
  if (error) return <span class="is-bad">{error.message}</span>;
  if (!data) return <span>…</span>;
  return <span>{data.alert_count > 0 ? <b>{plural(data.alert_count, 'alert')} silent now</b> : 'hits nothing now'}</span>;
}

function Until({ silence: { start_time, end_time, state } }: { silence: Silence }) {
  const zone = timeZone.value;
  const now = nowMs.value;
  const [from, to] = [Date.parse(start_time), Date.parse(end_time)];
  const words = {
    ACTIVE: `${length(to - now)} left`,
    PENDING: `in ${length(from - now)}`,
    EXPIRED: `lasted ${length(to - from)}`,
  };
  return (
    <p class="entry-when" {...tip(`${instant(from, zone)} to ${instant(to, zone)}`)}>
      <b>{words[state]}</b>
      <span>
        {state === 'PENDING' ? `from ${shortInstant(from, zone, now)}` : `until ${shortInstant(to, zone, now)}`}
      </span>
    </p>
  );
}
