// The first page: what is going on now, in one look.
import { useEffect } from 'preact/hooks';
import { connection, ledger } from '../../state/connection';
import { overview, watchOverview } from '../../state/live';
import { usePrevious } from '../../state/previous';
import { project, timeZone } from '../../state/session';
import { view } from '../../state/view';
import { FilterChips } from '../../parts/FilterChips';
import { Trouble } from '../../parts/Trouble';
import { AnomalyStrip } from './AnomalyStrip';
import { Charts } from './Charts';
import { EmptyRange } from './EmptyRange';
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

  const previous = usePrevious();
  const { isLoading, rows, totals } = overview.value;
  const isEmpty = !isLoading && rows.length === 0 && !totals?.call_count;
  const received = ledger.value?.totals.call.received_count;
  if (isEmpty && received === 0) {
    return (
      <>
        <Trouble error={overview.value.error} />
        <GettingStarted />
      </>
    );
  }
  return (
    <>
      <Trouble error={overview.value.error} />
      <main
        class={`page overview${isLoading ? ' is-loading' : ''}${connection.value === 'stale' ? ' is-stale' : ''}`}
        aria-busy={isLoading}
      >
        <h1 class="visually-hidden">Overview of {project.value}</h1>
        <FilterChips />
        <Tiles before={previous && !isLoading ? previous.totals : null} />
        <AnomalyStrip />
        {isEmpty && !overview.value.error ? <EmptyRange /> : <Charts previous={previous} />}
        <LedgerStrip />
        <SeriesTable />
      </main>
    </>
  );
}
