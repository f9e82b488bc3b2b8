// The columns of the provider × task table: what they are called, mean and show.
import type { ComponentChildren } from 'preact';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, duration, money, plural, ratio, score } from '../../format/format';
import { costPerAccepted } from './cost';
import type { Row, SortColumn } from '../../metrics/rows';
import { Value } from '../../parts/Value';
import { OutcomeBar } from './OutcomeBar';
import { Unpriced } from './Unpriced';

export interface Column {
  sort: SortColumn;
  label: string;
  definition: string;
  cell: (row: Row) => ComponentChildren;
}

function column(sort: SortColumn, label: string, term: Term, cell: Column['cell']): Column {
  return { sort, label, definition: DEFINITIONS[term], cell };
}

/** The numbers; provider, task and activity stand before them. */
export const NUMBER_COLUMNS: readonly Column[] = [
  column('calls', 'Calls', 'calls', ({ window }) => <Value of={count(window.call_count, 'calls')} />),
  column('success', 'Success', 'success', ({ window }) => (
    <span class="success-cell">
      <OutcomeBar window={window} />
      <Value of={ratio(window.success_ratio)} />
    </span>
  )),
  column('p50', 'p50', 'p50', ({ window }) => <Value of={duration(window.latency_s?.p50)} />),
  column('p95', 'p95', 'p95', ({ window }) => <Value of={duration(window.latency_s?.p95)} />),
  column('first-token', 'First token', 'firstToken', ({ window }) => (
    <Value of={duration(window.time_to_first_token_s?.p50)} />
  )),
  column('tokens-in', 'Tokens in', 'tokensIn', ({ window }) => (
    <Value of={count(window.input_token_count, 'tokens')} />
  )),
  column('tokens-out', 'Tokens out', 'tokensOut', ({ window }) => (
    <Value of={count(window.output_token_count, 'tokens')} />
  )),
  column('cost', 'Cost', 'cost', ({ window }) =>
    window.cost_unknown_count === window.call_count ? (
      <Unpriced unpriced={window.cost_unknown_count} calls={window.call_count} text="unpriced" />
    ) : (
      <>
        <Value of={money(window.cost_usd)} />{' '}
        {window.cost_unknown_count > 0 && (
          <Unpriced unpriced={window.cost_unknown_count} calls={window.call_count} text="+?" />
        )}
      </>
    ),
  ),
  column('cost-per-accepted', 'Per accepted', 'costPerAccepted', ({ window }) => (
    <Value
      of={costPerAccepted(window)}
      note={`${plural(window.accepted_task_count, 'accepted task')} of ${window.task_count}`}
    />
  )),
  column('quality', 'Quality', 'quality', ({ window }) => (
    <Value of={score(window.quality_ratio)} note={`${plural(window.quality_count, 'answer')} scored`} />
  )),
];
