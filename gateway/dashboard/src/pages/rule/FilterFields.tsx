// Which series a rule looks at: in each dimension any of the chosen values; none chosen is all.
import { listSeries } from '../../api/calls';
import type { Dimension, RuleBody } from '../../api/model';
import { valuesOf } from '../../parts/FilterPicker';
import { PickMany } from '../../parts/PickMany';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';

const DIMENSIONS: readonly (readonly [keyof RuleBody['filter'], Dimension, string])[] = [
  ['providers', 'provider', 'Provider'],
  ['models', 'model', 'Model'],
  ['task_types', 'task_type', 'Task'],
  ['prompt_names', 'prompt_name', 'Prompt'],
  ['prompt_versions', 'prompt_version', 'Version'],
];

export function FilterFields({ draft, onChange }: { draft: RuleBody; onChange: (draft: RuleBody) => void }) {
  const { data } = useResource(project.value, (signal) => listSeries(project.value, signal));
  const chosenCount = Object.values(draft.filter).flat().length;
  return (
    <details class="rule-filter" open={chosenCount > 0}>
      <summary>
        Only some series <span class="is-faint">{chosenCount > 0 ? `${chosenCount} chosen` : 'it looks at all'}</span>
      </summary>
      {DIMENSIONS.map(([name, dimension, label]) => {
        const chosen = draft.filter[name];
        // A series without the dimension cannot be chosen by it.
        const seen = valuesOf(data ?? [], dimension).filter(Boolean);
        return (
          <div class="rule-filter-row" key={name}>
            <span>{label}</span>
            <PickMany
              label={label}
              chosen={chosen}
              choices={[...new Set([...seen, ...chosen])]}
              add={chosen.length > 0 ? 'or …' : 'any'}
              onChange={(values) => onChange({ ...draft, filter: { ...draft.filter, [name]: values } })}
            />
          </div>
        );
      })}
    </details>
  );
}
