// The ledger: everything that was received is somewhere, and here it is added up.
import type { ComponentChildren } from 'preact';
import type { LedgerCounts } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, NONE, plural, text } from '../../format/format';
import { missing } from '../../metrics/balance';
import { Icon } from '../../parts/Icon';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { ledger } from '../../state/connection';
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
  const { totals, waiting_evidence_count: waiting } = ledger.value ?? {};
  return (
    <section class="ledger card" aria-label="Ledger">
      <h2
        class="term"
        tabIndex={0}
        {...tip('What became of everything that was ever received, as far back as the ledger is kept.')}
      >
        Ledger
      </h2>
      <div class="ledger-accounts">
        <Account name="Calls" counts={totals?.call}>
          <Aside label="dropped by clients" term="clientDropped" value={totals?.call.client_dropped_count} />
        </Account>
        <Account name="Evidence" counts={totals?.evidence}>
          <Aside label="waiting for its call" term="waiting" value={waiting} />
        </Account>
      </div>
    </section>
  );
}

interface AccountProps {
  name: string;
  /** Undefined until the ledger has arrived. */
  counts: LedgerCounts | undefined;
  children: ComponentChildren;
}

function Account({ name, counts, children }: AccountProps) {
  return (
    <div class="account" role="group" aria-label={name}>
      <h3>{name}</h3>
      <dl class="account-sum">
        <Amount sign="" label="received" term="received" value={counts?.received_count} />
        {TERMS.map(([part, label, term], index) => (
          <Amount key={part} sign={index === 0 ? '=' : '+'} label={label} term={term} value={counts?.[part]} />
        ))}
      </dl>
      {counts ? <Verdict missingCount={missing(counts)} /> : <p class="verdict">…</p>}
      {children}
    </div>
  );
}

interface AmountProps {
  sign: string;
  label: string;
  term: Term;
  value: number | undefined;
}

function Amount({ sign, label, term, value }: AmountProps) {
  // Dead letters want somebody; the rest are the ordinary course of things.
  const isAlarming = term === 'deadLettered' && value !== undefined && value > 0;
  return (
    <div class={`amount${value === 0 ? ' is-zero' : ''}${isAlarming ? ' is-alarming' : ''}`}>
      {sign && (
        <span class="amount-sign" aria-hidden="true">
          {sign}
        </span>
      )}
      <dd>
        {isAlarming && <Icon name="warning" />}
        <Value
          of={
            value === undefined
              ? NONE
              : { value: value.toLocaleString('en-US'), unit: '', exact: count(value, label).exact }
          }
        />
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
  const words =
    missingCount > 0
      ? `${plural(missingCount, 'record')} unaccounted for`
      : `${text(count(-missingCount))} more than received`;
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
