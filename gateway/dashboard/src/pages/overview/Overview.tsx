// The first page: what is going on now, in one look.
import { useEffect } from 'preact/hooks';
import { connection, ledger, liveUntilMs, overview, watchOverview } from '../../state/live';
import { project, timeZone } from '../../state/session';
import { view } from '../../state/view';
import { clock } from '../../format/time';
import { Icon } from '../../parts/Icon';
import { Shell } from '../../shell/Shell';
import { Charts } from './Charts';
import { EmptyRange } from './EmptyRange';
import { FilterChips } from './FilterChips';
import { GettingStarted } from './GettingStarted';
import { LedgerStrip } from './LedgerStrip';
import './overview.css';
import { SeriesTable } from './SeriesTable';
import { Tiles } from './Tiles';

export default function Overview() {
  const { range, filters } = view.value;
  const zone = timeZone.value;
  const question = JSON.stringify([project.value, range, zone, filters]);
  useEffect(() => watchOverview({ project: project.value, range, timeZone: zone, filters }), [question]);

  useEffect(() => {
    document.title = `${project.value} · Assay`;
  }, [project.value]);

  const { isLoading, rows, totals } = overview.value;
  const isEmpty = !isLoading && rows.length === 0 && !totals?.call_count;
  const received = ledger.value?.totals.call.received_count;
  if (isEmpty && received === 0) {
    return (
      <Shell>
        <Trouble />
        <GettingStarted />
      </Shell>
    );
  }
  return (
    <Shell>
      <Trouble />
      <main
        class={`overview${isLoading ? ' is-loading' : ''}${connection.value === 'stale' ? ' is-stale' : ''}`}
        aria-busy={isLoading}
      >
        <h1 class="visually-hidden">Overview of {project.value}</h1>
        <FilterChips />
        <Tiles />
        {isEmpty && !overview.value.error ? <EmptyRange /> : <Charts />}
        <LedgerStrip />
        <SeriesTable />
      </main>
    </Shell>
  );
}

/** One line on top where the numbers are not what they should be. */
function Trouble() {
  const isStale = connection.value === 'stale';
  const { error } = overview.value;
  if (!isStale && !error) return null;
  return (
    <p class="trouble" role="alert">
      <Icon name="warning" />
      {isStale
        ? `Not live since ${clock(liveUntilMs.value, timeZone.value)}: these are the last numbers that arrived. Trying to connect again.`
        : `The numbers could not be brought up to date: ${error}`}
    </p>
  );
}
