// How Assay itself does: which services are there, how far behind the numbers are, and what became of everything received.
import { useEffect } from 'preact/hooks';
import { getReadiness } from '../../api/system';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, duration, NONE, type Figure } from '../../format/format';
import { servicesOf, type ServiceState } from '../../metrics/system';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { Failure } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { Trouble } from '../../parts/Trouble';
import { Value } from '../../parts/Value';
import { connection, lag_s, ledger, useConnection } from '../../state/connection';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';
import { isInstallationAdmin } from '../../state/session';
import { LedgerDays } from './LedgerDays';
import { StorageCard } from './StorageCard';
import './system.css';

export default function System() {
  useConnection();
  useEffect(() => {
    document.title = 'System · Assay';
  }, []);
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <h1 class="page-title">System</h1>
        <Flow />
        <Services />
        {isInstallationAdmin.value && <StorageCard />}
        <LedgerDays />
      </main>
    </>
  );
}

/** How what is sent arrives, now. */
function Flow() {
  const account = ledger.value;
  const totals = account ? [account.totals.call, account.totals.evidence] : null;
  const sum = (name: 'in_flight_count' | 'dead_lettered_count' | 'client_dropped_count'): number | null =>
    totals && totals.reduce((all, one) => all + one[name], 0);
  const [inFlight, dead, dropped] = [sum('in_flight_count'), sum('dead_lettered_count'), sum('client_dropped_count')];
  const isBad = (value: number | null): boolean => (value ?? 0) > 0;
  return (
    <section class="flow" aria-label="Now">
      <Tile name="Lag" term="lag" figure={lag_s.value === null ? NONE : duration(Math.max(0, lag_s.value))} />
      <Tile name="In flight" term="inFlight" figure={count(inFlight, 'records')} />
      <Tile name="Evidence waiting" term="waiting" figure={count(account?.waiting_evidence_count, 'pieces')} />
      <Tile name="Dead-lettered" term="deadLettered" figure={count(dead, 'records')} isBad={isBad(dead)} />
      <Tile name="Dropped by clients" term="clientDropped" figure={count(dropped, 'records')} isBad={isBad(dropped)} />
    </section>
  );
}

function Tile({ name, term, figure, isBad = false }: { name: string; term: Term; figure: Figure; isBad?: boolean }) {
  return (
    <div class={`card flow-tile${isBad ? ' is-bad' : ''}`}>
      <h2 class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
        {name}
      </h2>
      <p>
        {isBad && <Icon name="warning" />} <Value of={figure} />
      </p>
    </div>
  );
}

function Services() {
  // Asked again by the clock, and at once when the connection changes: that is when something may have gone.
  const { data, error, reload } = useResource('services', getReadiness, `${nowMs.value} ${connection.value}`);
  const all = data ? servicesOf(data) : [];
  const awayCount = all.filter((one) => !one.isThere).length;
  return (
    <section class="card" aria-label="Services" aria-busy={!data && !error}>
      <header class="list-header">
        <h2>Services</h2>
        {data && !error && (
          <p class={awayCount > 0 ? 'is-bad' : 'is-faint'} role="status">
            {awayCount > 0 ? `${awayCount} away` : 'all there'}
          </p>
        )}
      </header>
      {error && <Failure what="The gateway is not answering" error={error} onRetry={reload} />}
      {!data && !error && <EntriesSkeleton />}
      {data && !error && (
        <ul class="services">
          <Service of={{ name: 'gateway', work: 'Serves this page and REST.', loss: '', isThere: true, why: '' }} />
          {all.map((one) => (
            <Service key={one.name} of={one} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Service({ of: { name, work, loss, isThere, why } }: { of: ServiceState }) {
  return (
    <li class={`service${isThere ? '' : ' is-away'}`}>
      <Icon name={isThere ? 'check' : 'warning'} />
      <div>
        <p>
          <b>{name}</b> <span class="service-state">{isThere ? 'there' : 'away'}</span>
        </p>
        <p class="is-faint">{isThere ? work : loss || work}</p>
        {why && <p class="is-bad">{why}</p>}
      </div>
    </li>
  );
}
