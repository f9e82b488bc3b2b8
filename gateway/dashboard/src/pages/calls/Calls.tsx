// The calls of a range, one below the other as they come: searched, narrowed down, and each with its detail one click away.
import { useEffect, useState } from 'preact/hooks';
import { findCall, listCalls, listSeries } from '../../api/calls';
import type { CallOutcome, StoredCall } from '../../api/model';
import { plural } from '../../format/format';
import { OUTCOME_NAMES, OUTCOME_WORDS } from '../../metrics/calls';
import { CALL_COLUMNS } from '../../metrics/csv-columns';
import { FacetPicker } from '../../parts/Facets';
import { FilterChips } from '../../parts/FilterChips';
import { FilterPicker } from '../../parts/FilterPicker';
import { Icon } from '../../parts/Icon';
import { More } from '../../parts/More';
import { SaveCsv } from '../../parts/SaveCsv';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { Trouble } from '../../parts/Trouble';
import { connect } from '../../state/connection';
import { usePages, type ListPage } from '../../state/pages';
import type { Range } from '../../state/ranges';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';
import './calls.css';
import { CallTable, CallTableSkeleton } from './CallTable';
import { meaningOf, type Meaning } from './find';

const PAGE_SIZE = 50;
// The stream tells that something changed; the calls themselves are asked for.
const LATEST = { group_by: [], range_s: 60, step_s: 60 };

function timesOf(range: Range): { start: string; end?: string } {
  if (range.kind === 'trailing') return { start: `-${range.range_s}s` };
  return { start: new Date(range.startMs).toISOString(), end: new Date(range.endMs).toISOString() };
}

/** Counts what changed among the calls that the filters leave, while the range ends now. */
function useChanges(): number {
  const { range, filters } = view.value;
  const [changes, setChanges] = useState(0);
  const question = JSON.stringify([project.value, timeZone.value, filters, range.kind]);
  useEffect(() => {
    const bump = (): void => setChanges((before) => before + 1);
    const take = range.kind === 'trailing' ? { metrics: bump, totals: bump } : undefined;
    return connect({ ...LATEST, project: project.value, time_zone: timeZone.value, filters }, take);
  }, [question]);
  return changes;
}

const outcomeWanted = (): CallOutcome | undefined => OUTCOME_NAMES.find((one) => one === view.value.facets.outcome);

async function ask(meaning: Meaning, pageToken: string, signal?: AbortSignal): Promise<ListPage<StoredCall>> {
  if (meaning.kind === 'nothing') return { items: [], nextPageToken: '' };
  if (meaning.kind === 'call') {
    const found = await findCall(project.value, meaning.name, signal);
    return { items: found ? [found.call] : [], nextPageToken: '' };
  }
  const { range, filters } = view.value;
  const whole = meaning.kind === 'task' ? { taskId: meaning.name } : timesOf(range);
  const agent = meaning.kind === 'agent' ? { agent: meaning.name } : {};
  const page = await listCalls(
    { project: project.value, filters, outcome: outcomeWanted(), ...whole, ...agent, pageSize: PAGE_SIZE, pageToken },
    signal,
  );
  return { items: page.calls, nextPageToken: page.next_page_token };
}

export default function Calls() {
  const { range, filters, search, facets } = view.value;
  const changes = useChanges();
  useEffect(() => {
    document.title = `Calls · ${project.value} · Assay`;
  }, [project.value]);
  const series = useResource(project.value, (signal) => listSeries(project.value, signal));
  const question = JSON.stringify([project.value, search]);
  const look = useResource(question, async (signal) => ({
    asked: question,
    meaning: await meaningOf(project.value, search, signal),
  }));
  // What an earlier search meant says nothing of this one.
  const meaning = look.data?.asked === question ? look.data.meaning : null;
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <header class="page-header">
          <h1 class="page-title">Calls</h1>
          <FacetPicker
            facet="outcome"
            label="Outcome"
            all="Any outcome"
            choices={OUTCOME_NAMES.map((one) => [one, OUTCOME_WORDS[one]])}
          />
          <FilterPicker dimension="provider" label="Provider" series={series.data} />
          <FilterPicker dimension="model" label="Model" series={series.data} />
          <FilterPicker dimension="task_type" label="Task" series={series.data} />
          <FilterPicker dimension="prompt_name" label="Prompt" series={series.data} />
          <Search />
        </header>
        <FilterChips />
        {meaning ? (
          <List
            key={JSON.stringify([project.value, range, filters, facets.outcome, meaning])}
            meaning={meaning}
            changes={changes}
          />
        ) : (
          <section class="card" aria-label="Calls" aria-busy={!look.error}>
            {look.error ? (
              <Failure what="Calls are not known now" error={look.error} onRetry={look.reload} />
            ) : (
              <CallTableSkeleton />
            )}
          </section>
        )}
      </main>
    </>
  );
}

/** Looks when Enter is pressed: each look is three questions. */
function Search() {
  const { search } = view.value;
  const [typed, setTyped] = useState(search);
  useEffect(() => setTyped(search), [search]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        changeView({ search: typed.trim() });
      }}
    >
      <Icon name="search" />
      <input
        class="input"
        type="search"
        placeholder="Call, task or agent"
        aria-label="Id of a call or a task, or an agent"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          if (event.currentTarget.value === '') changeView({ search: '' });
        }}
      />
      <kbd class="key" aria-hidden="true">
        /
      </kbd>
    </form>
  );
}

function List({ meaning, changes }: { meaning: Meaning; changes: number }) {
  const { range, filters } = view.value;
  const [isFollowing, setFollowing] = useState(true);
  // What the list shows is of then while it stands still.
  const [stoodAt, setStoodAt] = useState(0);
  const isTrailing = range.kind === 'trailing' && (meaning.kind === 'everything' || meaning.kind === 'agent');
  const question = JSON.stringify([project.value, range, filters, outcomeWanted(), meaning]);
  const pages = usePages({
    question,
    changes: isFollowing ? changes : stoodAt,
    ask: (token, signal) => ask(meaning, token, signal),
    idOf: (call) => call.call_id,
  });
  const follow = (next: boolean): void => {
    setStoodAt(changes);
    setFollowing(next);
  };
  const { items, error } = pages;
  return (
    <section class="card" aria-label="Calls" aria-busy={pages.isLoading && !items}>
      <header class="list-header">
        <h2>{titleOf(meaning)}</h2>
        <p class="is-faint" role="status">
          {items && items.length > 0 && (pages.hasMore ? `the latest ${items.length}` : plural(items.length, 'call'))}
        </p>
        {isTrailing && (
          <button
            type="button"
            class="button calls-follow"
            aria-pressed={isFollowing}
            {...tip(isFollowing ? 'New calls appear on top as they come' : 'The list stands still')}
            onClick={() => follow(!isFollowing)}
          >
            <Icon name={isFollowing ? 'pause' : 'play'} /> {isFollowing ? 'Pause' : 'Follow'}
          </button>
        )}
        <SaveCsv name="calls" columns={CALL_COLUMNS} rows={items ?? []} label="Save the calls that are shown as CSV" />
      </header>
      {!items && !error && <CallTableSkeleton />}
      {error && !items && <Failure what="Calls are not known now" error={error} onRetry={pages.reload} />}
      {/* Said on top, where one reads; not once more below the calls. */}
      {error && items && <Trouble error={error.message} />}
      {items && items.length > 0 && <CallTable calls={items} />}
      {items?.length === 0 && <Nothing meaning={meaning} />}
      {/* Who reads on wants what was there: a list that moves on would leave a gap between its pages. */}
      <More pages={{ ...pages, error: null, more: () => (follow(false), pages.more()) }} />
    </section>
  );
}

function titleOf(meaning: Meaning): string {
  if (meaning.kind === 'everything') return 'The latest first';
  if (meaning.kind === 'call') return 'The call with this id';
  if (meaning.kind === 'task') return 'All calls of this task';
  return meaning.kind === 'agent' ? `By the agent ${meaning.name}` : 'Nothing found';
}

function Nothing({ meaning }: { meaning: Meaning }) {
  if (meaning.kind === 'nothing') {
    return (
      <State icon="search" title="No call, task or agent is called that">
        <p>Ids are compared as a whole. Calls that are older than what is kept are not found.</p>
        <button type="button" class="button" onClick={() => changeView({ search: '' })}>
          Show all calls
        </button>
      </State>
    );
  }
  const isNarrowed = Object.keys(view.value.filters).length > 0 || outcomeWanted() !== undefined;
  return (
    <State icon="list" title="No calls in this range">
      <p>{isNarrowed ? 'None that the filters leave.' : 'Take a longer range, or wait: new calls appear by themselves.'}</p>
      {isNarrowed && (
        <button
          type="button"
          class="button"
          onClick={() => changeView({ filters: {}, facets: { ...view.value.facets, outcome: '' } })}
        >
          Leave the filters
        </button>
      )}
    </State>
  );
}
