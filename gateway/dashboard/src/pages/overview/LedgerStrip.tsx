// The ledger: everything that was received is somewhere, and here it is added up.
import type { LedgerCounts } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, plural, text } from '../../format/format';
import { missing, NOTHING_RECEIVED } from '../../metrics/balance';
import { Icon } from '../../parts/Icon';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { ledger } from '../../state/live';
import './ledger-strip.css';

type Part = Exclude<keyof LedgerCounts, 'received_count' | 'client_dropped_count' | 'too_late_count'>;

const TERMS: readonly (readonly [Part, string, Term])[] = [
  ['stored_count', 'stored', 'stored'],
  ['duplicate_count', 'duplicate', 'duplicate'],
  ['rejected_count', 'rejected', 'rejected'],
  ['dead_lettered_count', 'dead-lettered', 'deadLettered'],
  ['in_flight_count', 'in flight', 'inFlight'],
];

export function LedgerStrip() {
  const { totals, waiting_evidence_count: waiting = 0 } = ledger.value ?? {};
  return (
    <section class="ledger card" aria-label="Ledger">
      <h2 class="term" tabIndex={0} {...tip('What became of everything that was ever received, as far back as the ledger is kept.')}>
        Ledger
      </h2>
      <div class="ledger-accounts">
        <Account name="Calls" counts={totals?.call ?? NOTHING_RECEIVED}>
          <Aside label="dropped by clients" term="clientDropped" value={totals?.call?.client_dropped_count ?? 0} />
        </Account>
        <Account name="Evidence" counts={totals?.evidence ?? NOTHING_RECEIVED}>
          <Aside label="waiting for its call" term="waiting" value={waiting} />
        </Account>
      </div>
    </section>
  );
}

function Account({ name, counts, children }: { name: string; counts: LedgerCounts; children: preact.ComponentChildren }) {
  return (
    <div class="account" role="group" aria-label={name}>
      <h3>{name}</h3>
      <dl class="account-sum">
        <Amount sign="" label="received" term="received" value={counts.received_count} />
        {TERMS.map(([part, label, term], index) => (
          <Amount key={part} sign={index === 0 ? '=' : '+'} label={label} term={term} value={counts[part]} />
        ))}
      </dl>
      <Verdict missingCount={missing(counts)} />
      {children}
    </div>
  );
}

interface AmountProps {
  sign: string;
  label: string;
  term: Term;
  value: number;
}

function Amount({ sign, label, term, value }: AmountProps) {
  // Dead letters want somebody; the rest are the ordinary course of things.
  const isAlarming = term === 'deadLettered' && value > 0;
  return (
    <div class={`amount${value === 0 ? ' is-zero' : ''}${isAlarming ? ' is-alarming' : ''}`}>
      {sign && (
        <span class="amount-sign" aria-hidden="true">
          {sign}
        </span>
      )}
      <dd>
        {isAlarming && <Icon name="warning" />}
        <Value of={{ value: value.toLocaleString('en-US'), unit: '', exact: count(value, label).exact }} />
      </dd>
      <dt class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
        {label}
      </dt>
    </div>
  );
}

function Verdict({ missingCount }: { missingCount: number }) {
  if (missingCount === 0) {
    return (
      <p class="verdict is-good">
        <Icon name="check" /> adds up
      </p>
    );
  }
  const words = missingCount > 0 ? `${plural(missingCount, 'record')} unaccounted for` : `${text(count(-missingCount))} more than received`;
  return (
    <p class="verdict is-bad">
      <Icon name="warning" /> {words}
    </p>
  );
}

function Aside({ label, term, value }: Omit<AmountProps, 'sign'>) {
  return (
    <p class={`aside${value === 0 ? ' is-zero' : ''}`}>
      <b>{text(count(value))}</b>{' '}
      <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
        {label}
      </span>
    </p>
  );
}
