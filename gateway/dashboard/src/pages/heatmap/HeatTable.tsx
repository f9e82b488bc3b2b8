// The cells. Each leads to the trends of its series.
import type { Dimension, MetricName } from '../../api/model';
import { plural, text } from '../../format/format';
import { cellKey, changeWords, type Cell, type HeatMap } from '../../metrics/heat';
import { METRICS } from '../../metrics/metric';
import { tip } from '../../parts/Tooltip';
import { addressOf, view } from '../../state/view';

interface HeatTableProps {
  map: HeatMap;
  metric: MetricName;
  dimension: Dimension;
}

export function HeatTable({ map, metric, dimension }: HeatTableProps) {
  return (
    <div class="heat-scroll" tabIndex={0} role="region" aria-label="Cells">
      <table class="heat">
        <thead>
          <tr>
            <td />
            {map.tasks.map((task) => (
              <th scope="col" key={task}>
                <span>{task || '(no task)'}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {map.rows.map((row) => (
            <tr key={row}>
              <th scope="row">{row || '(none)'}</th>
              {map.tasks.map((task) => (
                <HeatCell
                  key={task}
                  cell={map.cells.get(cellKey(row, task))}
                  metric={metric}
                  whom={`${row} on ${task}`}
                  address={addressOf('/series', {
                    range: view.value.range,
                    filters: { ...view.value.filters, [dimension]: [row], task_type: [task] },
                  })}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeatCellProps {
  cell: Cell | undefined;
  metric: MetricName;
  whom: string;
  address: string;
}

function HeatCell({ cell, metric, whom, address }: HeatCellProps) {
  if (!cell) {
    return (
      <td class="heat-none">
        <span aria-hidden="true">·</span>
        <span class="visually-hidden">no calls</span>
      </td>
    );
  }
  const shown = METRICS[metric].format(cell.value);
  return (
    <td>
      <a class={`heat-cell ${toneOf(cell)}`} href={address} {...tip(wordsOf(cell, metric, whom))}>
        <b>
          {shown.value}
          {shown.unit && <span class="unit">{shown.unit}</span>}
        </b>
        <span class="heat-change">
          {cell.level !== 0 && <span aria-hidden="true">{cell.level > 0 ? '▲' : '▼'} </span>}
          {cell.change === null ? '\u00a0' : changeWords(metric, cell.change)}
        </span>
      </a>
    </td>
  );
}

function toneOf({ level, isBetter }: Cell): string {
  if (level === 0) return '';
  const tone = isBetter === null ? 'is-other' : isBetter ? 'is-better' : 'is-worse';
  return `${tone} is-${Math.abs(level)}`;
}

function wordsOf({ value, usual, level, isBetter, window }: Cell, metric: MetricName, whom: string): string {
  const { label, format } = METRICS[metric];
  const now = `${label} of ${whom}: ${text(format(value))}, ${plural(window.call_count, 'call')}`;
  if (!usual) return `${now}. What is usual is not known.`;
  const band = `Usually ${text(format(usual.centre))} (single values ${text(format(usual.low))} – ${text(format(usual.high))})`;
  const verdict =
    level === 0 ? 'as usual, or it may be chance' : isBetter === null ? 'unusual' : isBetter ? 'better' : 'worse';
  return `${now}. ${band}: ${verdict}.`;
}
