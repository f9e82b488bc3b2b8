// The ledger day by day: what was received, what became of it, and whether it adds up.
import { getLedger } from '../../api/system';
import type { Ledger } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count } from '../../format/format';
import { missing } from '../../metrics/balance';
import { LEDGER_COLUMNS } from '../../metrics/csv-columns';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetTabs } from '../../parts/Facets';
import { Icon } from '../../parts/Icon';
import { SaveCsv } from '../../parts/SaveCsv';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';
import { view } from '../../state/view';

type Day = Ledger['days'][number];
type Column = Extract<keyof Day, `${string}_count`>;

const DAYS = 30;
const KINDS = [
  ['', 'Calls'],
  ['evidence', 'Evidence'],
] as const;
const COLUMNS: readonly (readonly [Column, string, Term])[] = [
  ['received_count', 'Received', 'received'],
  ['stored_count', 'Stored', 'stored'],
  ['duplicate_count', 'Duplicate', 'duplicate'],
  ['rejected_count', 'Rejected', 'rejected'],
  ['dead_lettered_count', 'Dead-lettered', 'deadLettered'],
  ['in_flight_count', 'In flight', 'inFlight'],
  ['client_dropped_count', 'Dropped by clients', 'clientDropped'],
];

export function LedgerDays() {
  const { data, error, reload } = useResource(
    project.value,
    (signal) => getLedger(project.value, `-${DAYS}d`, signal),
    nowMs.value,
  );
  const kind = view.value.facets.kind === 'evidence' ? 'evidence' : 'call';
  const days = data?.days.filter((one) => one.kind === kind).sort((a, b) => (a.date < b.date ? 1 : -1)) ?? [];
  return (
    <section class="card" aria-label="Ledger by day" aria-busy={!data && !error}>
      <header class="list-header">
        <h2>Ledger of {project.value}</h2>
        <FacetTabs facet="kind" label="Which records" choices={KINDS} />
        <p class="is-faint">by day of receipt, UTC, the last {DAYS} days</p>
        <SaveCsv name={`ledger-${kind}s`} columns={LEDGER_COLUMNS} rows={days} />
      </header>
      {!data && !error && <EntriesSkeleton />}
      {!data && error && <Failure what="The ledger is not known now" error={error} onRetry={reload} />}
      {data && days.length === 0 && <State icon="list" title="Nothing was received" />}
      {days.length > 0 && <Table days={days} />}
    </section>
  );
}

function Table({ days }: { days: readonly Day[] }) {
  const most = Math.max(...days.map((one) => one.received_count), 1);
  return (
    <div class="ledger-scroll" tabIndex={0} role="region" aria-label="Table of the ledger by day">
      <table class="ledger-days">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">
              <span class="visually-hidden">Received, as a bar</span>
            </th>
            {COLUMNS.map(([name, label, term]) => (
              <th key={name} scope="col" class="is-number">
                <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
                  {label}
                </span>
              </th>
            ))}
            <th scope="col">Adds up</th>
          </tr>
        </thead>
        <tbody>
          {days.map((one) => (
            <tr key={one.date}>
              <th scope="row">{one.date}</th>
              <td class="ledger-bar">
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(100 * one.received_count) / most} height="10" />
                </svg>
              </td>
              {COLUMNS.map(([name]) => (
                <td key={name} class={`is-number${one[name] === 0 ? ' is-faint' : ''}`}>
                  <Value of={count(one[name], 'records')} />
                </td>
              ))}
              <td>
                <Verdict missingCount={missing(one)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Verdict({ missingCount }: { missingCount: number }) {
  if (missingCount === 0)
    return (
      <span class="ledger-good">
        <Icon name="check" /> yes
      </span>
    );
  return (
    <b class="is-bad">
      <Icon name="warning" /> {Math.abs(missingCount)} {missingCount > 0 ? 'missing' : 'too many'}
    </b>
  );
}
