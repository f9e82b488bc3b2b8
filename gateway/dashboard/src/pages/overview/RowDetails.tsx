// What a row has no columns for.
import type { ComponentChildren } from 'preact';
import type { Quantiles } from '../../api/model';
import { count, duration, ratio, score, type Figure } from '../../format/format';
import type { Row } from '../../metrics/rows';
import { Icon } from '../../parts/Icon';
import { Value } from '../../parts/Value';
import { addressOf, filtersOf, view } from '../../state/view';
import { costPerAccepted } from './cost';
import { OUTCOMES } from './outcomes';

type Line = readonly [label: string, figure: Figure, note?: string];

function Group({ title, lines, children }: { title: string; lines: readonly Line[]; children?: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="details-list">
        {lines.map(([label, figure, note]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <Value of={figure} /> {note && <span class="is-faint">{note}</span>}
            </dd>
          </div>
        ))}
      </dl>
      {children}
    </section>
  );
}

function quantileLines(quantiles: Quantiles | null | undefined): Line[] {
  return (['p50', 'p90', 'p95', 'p99'] as const).map((name) => [name, duration(quantiles?.[name])]);
}

export function RowDetails({ row: { provider, taskType, window } }: { row: Row }) {
  const share = (part: number): string => {
    const { value, unit } = ratio(window.call_count > 0 ? part / window.call_count : null);
    return `${value} ${unit}`;
  };
  const filters = filtersOf({ provider, task_type: taskType });
  return (
    <div class="details">
      <p class="details-more">
        <a href={addressOf('/series', { filters, range: view.value.range })}>
          <Icon name="trend" /> Trends, against what is usual
        </a>
        <a href={addressOf('/calls', { filters, range: view.value.range })}>
          <Icon name="list" /> Its calls
        </a>
      </p>
      <Group
        title="Outcomes"
        lines={OUTCOMES.map(([outcome, name]) => {
          const part = window.outcome_counts[outcome] ?? 0;
          return [name, count(part, 'calls'), share(part)];
        })}
      />
      <Group
        title="Latency, succeeded"
        lines={[...quantileLines(window.latency_s), ['mean', duration(window.latency_mean_s)]]}
      />
      <Group title="First token, succeeded" lines={quantileLines(window.time_to_first_token_s)} />
      <Group title="Latency, other outcomes" lines={quantileLines(window.unsuccessful_latency_s)} />
      <Group
        title="Tokens"
        lines={[
          ['input', count(window.input_token_count, 'tokens')],
          ['· read from cache', count(window.cache_read_token_count, 'tokens')],
          ['· written to cache', count(window.cache_write_token_count, 'tokens')],
          ['output', count(window.output_token_count, 'tokens')],
          ['· reasoning', count(window.reasoning_token_count, 'tokens')],
        ]}
      />
      <Group
        title="Tasks and quality"
        lines={[
          ['tasks', count(window.task_count, 'tasks')],
          ['accepted', count(window.accepted_task_count, 'tasks')],
          ['revisions', count(window.revision_count, 'revisions')],
          ['cost per accepted', costPerAccepted(window)],
          ['quality', score(window.quality_ratio)],
          ['answers scored', count(window.quality_count, 'answers')],
        ]}
      />
    </div>
  );
}
