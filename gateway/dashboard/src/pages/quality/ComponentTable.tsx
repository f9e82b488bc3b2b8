// Provider by task: the score with its interval, and what it is made of. A name narrows the page down to it.
import type { Dimension, QualityComponent, QualitySummary } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, score, text } from '../../format/format';
import { QUALITY_COLUMNS } from '../../metrics/csv-columns';
import { COMPONENTS, componentsIn, worstFirst } from '../../metrics/quality';
import { IntervalBar } from '../../parts/IntervalBar';
import { SaveCsv } from '../../parts/SaveCsv';
import { tip } from '../../parts/Tooltip';
import { changeView, toggled, view } from '../../state/view';

interface ComponentTableProps {
  groups: readonly QualitySummary[];
  whole: QualitySummary | null;
}

export function ComponentTable({ groups, whole }: ComponentTableProps) {
  const components = componentsIn(groups);
  return (
    <section class="card quality-card" aria-label="Components">
      <header class="list-header">
        <h2>Components</h2>
        <SaveCsv name="quality" columns={QUALITY_COLUMNS} rows={groups} />
      </header>
      <table class="quality-table">
        <thead>
          <tr>
            <th scope="col">Provider</th>
            <th scope="col">Task</th>
            <Heading label="Score" term="qualityEstimate" />
            <Heading label="Scores" term="qualityScores" isNumber />
            {components.map((name) => (
              <Heading key={name} label={COMPONENTS[name].label} term={COMPONENTS[name].term} isNumber />
            ))}
          </tr>
        </thead>
        <tbody>
          {whole && (
            <tr class="is-whole">
              <th scope="row" colSpan={2}>
                All
              </th>
              <Numbers one={whole} components={components} whole={whole} />
            </tr>
          )}
          {worstFirst(groups).map((one) => (
            <tr key={JSON.stringify(one.key)}>
              <th scope="row">
                <Name dimension="provider" value={one.key?.provider ?? ''} />
              </th>
              <td>
                <Name dimension="task_type" value={one.key?.task_type ?? ''} />
              </td>
              <Numbers one={one} components={components} whole={whole} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Heading({ label, term, isNumber = false }: { label: string; term: Term; isNumber?: boolean }) {
  return (
    <th scope="col" class={isNumber ? 'is-number' : ''}>
      <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
        {label}
      </span>
    </th>
  );
}

function Name({ dimension, value }: { dimension: Dimension; value: string }) {
  return (
    <button
      type="button"
      class="quality-name"
      {...tip('Narrow the page down to it, or undo that')}
      onClick={() => changeView({ filters: toggled(view.value.filters, dimension, value) })}
    >
      {value || '(none)'}
    </button>
  );
}

interface NumbersProps {
  one: QualitySummary;
  components: readonly QualityComponent[];
  whole: QualitySummary | null;
}

function Numbers({ one, components, whole }: NumbersProps) {
  const { estimate_ratio: value, low_ratio: low, high_ratio: high, mean_ratio: mean } = one;
  const words = `${text(score(value))} (${text(score(low))} – ${text(score(high))}), mean of the scores ${text(score(mean))}`;
  return (
    <>
      <td class="cell-quality">
        <span class="quality-score">
          <b>{value.toFixed(3)}</b>
          <IntervalBar
            low={low}
            high={high}
            value={value}
            at={(ratio) => ratio}
            lines={whole ? [whole.estimate_ratio] : []}
            tone={toneOf(one, whole)}
            words={words}
          />
        </span>
      </td>
      <td class="is-number" data-label="Scores">
        {text(count(one.score_count))}
      </td>
      {components.map((name) => (
        <td class="is-number" key={name} data-label={COMPONENTS[name].label}>
          <ComponentMean one={one} name={name} />
        </td>
      ))}
    </>
  );
}

/** Told apart from all only where the interval says so. */
function toneOf(
  { low_ratio: low, high_ratio: high }: QualitySummary,
  whole: QualitySummary | null,
): 'accent' | 'good' | 'bad' {
  if (!whole) return 'accent';
  if (high < whole.estimate_ratio) return 'bad';
  return low > whole.estimate_ratio ? 'good' : 'accent';
}

function ComponentMean({ one, name }: { one: QualitySummary; name: QualityComponent }) {
  const found = one.components.find(({ component }) => component === name);
  if (!found) return <span class="is-faint">–</span>;
  return (
    <span
      class="component-mean"
      {...tip(`${score(found.mean_ratio).exact}, over ${text(count(found.score_count))} scores`)}
    >
      {found.mean_ratio.toFixed(2)}
      <svg class="component-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="share-rest" width="100" height="8" />
        <rect class="share-part" width={found.mean_ratio * 100} height="8" />
      </svg>
    </span>
  );
}
