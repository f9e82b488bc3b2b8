// Provider × task: one row for each, to be searched, sorted, narrowed down and opened.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Anomaly, Dimension } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { count, plural, text } from '../../format/format';
import { concerning } from '../../metrics/anomalies';
import { WINDOW_COLUMNS } from '../../metrics/csv-columns';
import { rowsOf, searched, sorted, type Row, type SortColumn } from '../../metrics/rows';
import { Icon } from '../../parts/Icon';
import { SaveCsv } from '../../parts/SaveCsv';
import { tip } from '../../parts/Tooltip';
import { anomalies } from '../../state/anomalies';
import { overview } from '../../state/live';
import { project } from '../../state/session';
import { changeView, view } from '../../state/view';
import { NUMBER_COLUMNS } from './columns';
import { SeriesRow } from './SeriesRow';
import './series-table.css';
import { sparkRange } from './spark';

// A browser draws this many rows within a frame; more are one click away.
const ROWS_AT_ONCE = 100;
const SKELETON_ROWS = 8;
const COLUMN_COUNT = NUMBER_COLUMNS.length + 3;

const NONE: readonly Anomaly[] = [];

/** The open anomalies of each row that has some. Rows of which nothing changed keep what they had, so that they need not be drawn again. */
function useMarks(rows: readonly Row[]): ReadonlyMap<string, readonly Anomaly[]> {
  const kept = useRef<ReadonlyMap<string, readonly Anomaly[]>>(new Map());
  const known = anomalies.value;
  return useMemo(() => {
    const open = known?.project === project.value ? known.open : NONE;
    const next = new Map<string, readonly Anomaly[]>();
    for (const { id, provider, taskType } of open.length > 0 ? rows : []) {
      const found = concerning(open, provider, taskType);
      if (found.length > 0) next.set(id, same(kept.current.get(id), found));
    }
    kept.current = next;
    return next;
  }, [known, rows]);
}

function same(before: readonly Anomaly[] | undefined, now: readonly Anomaly[]): readonly Anomaly[] {
  const isSame = before?.length === now.length && now.every((one, index) => one === before[index]);
  return isSame ? before : now;
}

export function SeriesTable() {
  const { rows: series, activity, isLoading, asOfMs } = overview.value;
  const { search, sort, range } = view.value;
  const [limit, setLimit] = useState(ROWS_AT_ONCE);
  const [openIds, setOpenIds] = useState<ReadonlySet<string>>(new Set());
  const body = useRef<HTMLTableSectionElement>(null);

  const all = useMemo(() => rowsOf(series, activity), [series, activity]);
  const found = useMemo(() => sorted(searched(all, search), sort), [all, search, sort]);
  const shown = found.slice(0, limit);
  const marks = useMarks(all);
  const spark = sparkRange(range, asOfMs);
  const isFirstLoad = isLoading && all.length === 0;

  function toggle(id: string): void {
    setOpenIds((known) => {
      const next = new Set(known);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }

  function narrow(dimension: Dimension, value: string): void {
    const { filters } = view.value;
    const values = filters[dimension] ?? [];
    if (!values.includes(value)) changeView({ filters: { ...filters, [dimension]: [...values, value] } });
  }

  return (
    <section class="series card" aria-label="Providers and tasks">
      <header class="series-header">
        <h2>Providers × tasks</h2>
        <p class="is-faint" role="status">
          {found.length === all.length
            ? plural(all.length, 'row')
            : `${text(count(found.length))} of ${plural(all.length, 'row')}`}
        </p>
        <SortPicker />
        <SearchField />
        <SaveCsv
          name="providers-and-tasks"
          columns={WINDOW_COLUMNS}
          rows={found.map(({ provider, taskType, window }) => ({ key: { provider, task_type: taskType }, window }))}
        />
      </header>
      <table class="table" role="table">
        <thead role="rowgroup">
          <tr role="row">
            <Heading sort="provider" label="Provider" definition={DEFINITIONS.provider} />
            <Heading sort="task" label="Task" definition={DEFINITIONS.task} />
            <th role="columnheader" scope="col">
              <span class="term" tabIndex={0} {...tip(DEFINITIONS.activity)}>
                Activity
              </span>
            </th>
            {NUMBER_COLUMNS.map((column) => (
              <Heading key={column.sort} {...column} isNumber />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" ref={body} onKeyDown={(event) => moveFocus(event, body.current!)}>
          {isFirstLoad && Array.from({ length: SKELETON_ROWS }, (_, index) => <SkeletonRow key={index} />)}
          {shown.map((row, index) => (
            <SeriesRow
              key={row.id}
              row={row}
              spark={spark}
              anomalies={marks.get(row.id) ?? NONE}
              isFirst={index === 0}
              isOpen={openIds.has(row.id)}
              onToggle={toggle}
              onNarrow={narrow}
            />
          ))}
        </tbody>
      </table>
      {!isFirstLoad && found.length === 0 && (
        <p class="series-none is-faint">{search ? `Nothing matches “${search}”.` : 'No calls in this range.'}</p>
      )}
      {found.length > limit && (
        <p class="series-more">
          <button type="button" class="button" onClick={() => setLimit(limit + ROWS_AT_ONCE)}>
            Show {Math.min(ROWS_AT_ONCE, found.length - limit)} more of {found.length - limit}
          </button>
        </p>
      )}
    </section>
  );
}

interface HeadingProps {
  sort: SortColumn;
  label: string;
  definition: string;
  isNumber?: boolean;
}

/** Numbers are first sorted from the top, names from A. */
function Heading({ sort: column, label, definition, isNumber = false }: HeadingProps) {
  const { sort } = view.value;
  const isSorted = sort.column === column;
  const order = sort.isDescending ? 'descending' : 'ascending';
  return (
    <th role="columnheader" scope="col" aria-sort={isSorted ? order : 'none'} class={isNumber ? 'is-number' : ''}>
      <button
        type="button"
        class="sort"
        {...tip(definition)}
        onClick={() => changeView({ sort: { column, isDescending: isSorted ? !sort.isDescending : isNumber } })}
      >
        {label}
        <span class="sort-mark" aria-hidden="true">
          {isSorted ? (sort.isDescending ? '▾' : '▴') : ''}
        </span>
      </button>
    </th>
  );
}

/** Stands in for the headings where there is no room for them. */
function SortPicker() {
  const { sort } = view.value;
  const choices = [{ sort: 'provider', label: 'Provider' }, { sort: 'task', label: 'Task' }, ...NUMBER_COLUMNS];
  return (
    <select
      class="select series-sort"
      aria-label="Sort by"
      value={sort.column}
      onChange={({ currentTarget: { value } }) =>
        changeView({ sort: { column: value, isDescending: value !== 'provider' && value !== 'task' } })
      }
    >
      {choices.map((choice) => (
        <option key={choice.sort} value={choice.sort}>
          By {choice.label.toLowerCase()}
        </option>
      ))}
    </select>
  );
}

function SearchField() {
  const field = useRef<HTMLInputElement>(null);
  const { search } = view.value;
  useEffect(() => {
    // An effect runs later than its render: what was typed meanwhile is in the view already, and must not be taken back.
    const { search: latest } = view.peek();
    if (field.current!.value !== latest) field.current!.value = latest;
  }, [search]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="visually-hidden">Search providers and tasks</span>
      <input
        ref={field}
        class="input"
        type="search"
        placeholder="Provider or task"
        defaultValue={search}
        onInput={(event) => changeView({ search: event.currentTarget.value }, 'replace')}
        onKeyDown={(event) => event.key === 'Escape' && field.current!.blur()}
      />
      <kbd class="key" aria-hidden="true">
        /
      </kbd>
    </label>
  );
}

function SkeletonRow() {
  return (
    <tr aria-hidden="true">
      {Array.from({ length: COLUMN_COUNT }, (_, index) => (
        <td key={index}>
          <span class="skeleton">{index < 2 ? 'a provider' : '1,234'}</span>
        </td>
      ))}
    </tr>
  );
}

const STEPS: Record<string, (rows: HTMLElement[], at: number) => number> = {
  ArrowDown: (rows, at) => Math.min(rows.length - 1, at + 1),
  ArrowUp: (_, at) => Math.max(0, at - 1),
  Home: () => 0,
  End: (rows) => rows.length - 1,
};

/** Moves through the rows by key, from whichever part of one has the focus. */
function moveFocus(event: KeyboardEvent, body: HTMLElement): void {
  const step = STEPS[event.key];
  if (!step || !(event.target instanceof Element)) return;
  const rows = [...body.querySelectorAll<HTMLElement>('tr[data-row]')];
  const at = rows.indexOf(event.target.closest<HTMLElement>('tr[data-row]')!);
  event.preventDefault();
  rows[step(rows, at)]?.focus();
}
