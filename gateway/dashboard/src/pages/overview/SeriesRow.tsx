// A row of the table and, when it is open, everything else that is known of its provider and task.
import { memo } from 'preact/compat';
import type { Anomaly, Dimension } from '../../api/model';
import { plural } from '../../format/format';
import type { Row } from '../../metrics/rows';
import { Icon } from '../../parts/Icon';
import { Sparkline } from '../../parts/Sparkline';
import { tip } from '../../parts/Tooltip';
import { NUMBER_COLUMNS } from './columns';
import { RowDetails } from './RowDetails';
import { RowMark } from './RowMark';
import { sparkCounts, type SparkRange } from './spark';

interface SeriesRowProps {
  row: Row;
  spark: SparkRange;
  /** What is not as usual about it, in the order in which it matters; the same array for as long as nothing of it changes. */
  anomalies: readonly Anomaly[];
  isFirst: boolean;
  isOpen: boolean;
  onToggle: (id: string) => void;
  onNarrow: (dimension: Dimension, value: string) => void;
}

function Name({ value, onNarrow }: { value: string; onNarrow: () => void }) {
  return (
    <button type="button" class="name" {...tip(`${value || '(none)'}: show nothing else`)} onClick={onNarrow}>
      {value || '(none)'}
    </button>
  );
}

function Plain({ row, spark, anomalies, isFirst, isOpen, onToggle, onNarrow }: SeriesRowProps) {
  const detailsId = `details-${row.id}`;
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.target !== event.currentTarget) return;
    event.preventDefault();
    onToggle(row.id);
  };
  return (
    <>
      <tr role="row" data-row tabIndex={isFirst ? 0 : -1} class={isOpen ? 'is-open' : ''} onKeyDown={onKey}>
        <th role="rowheader" scope="row" class="cell-provider">
          <button
            type="button"
            class="open"
            aria-expanded={isOpen}
            aria-controls={detailsId}
            aria-label={`Details of ${row.provider}, ${row.taskType}`}
            onClick={() => onToggle(row.id)}
          >
            <Icon name="chevron" />
          </button>
          <Name value={row.provider} onNarrow={() => onNarrow('provider', row.provider)} />
        </th>
        <td role="cell" class="cell-task">
          <Name value={row.taskType} onNarrow={() => onNarrow('task_type', row.taskType)} />
          {anomalies.length > 0 && <RowMark row={row} anomalies={anomalies} />}
        </td>
        <td role="cell" class="cell-activity">
          <Sparkline
            counts={sparkCounts(row.activity, spark)}
            label={`${plural(row.window.call_count, 'call')} over the range`}
          />
        </td>
        {NUMBER_COLUMNS.map((column) => (
          <td role="cell" key={column.sort} class={`is-number cell-${column.sort}`} data-label={column.label}>
            {column.cell(row)}
          </td>
        ))}
      </tr>
      {isOpen && (
        <tr role="row" class="details-row" id={detailsId}>
          <td role="cell" colSpan={NUMBER_COLUMNS.length + 3}>
            <RowDetails row={row} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Rows are drawn again only when something of theirs changed. The functions they are given keep nothing of their own. */
export const SeriesRow = memo(
  Plain,
  (a, b) =>
    a.row.window === b.row.window &&
    a.row.activity === b.row.activity &&
    a.anomalies === b.anomalies &&
    a.isOpen === b.isOpen &&
    a.isFirst === b.isFirst &&
    a.spark.endMs === b.spark.endMs &&
    a.spark.stepMs === b.spark.stepMs,
);
