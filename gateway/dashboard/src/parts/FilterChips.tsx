// What everything on the page is narrowed down to.
import type { Dimension } from '../api/model';
import './filter-chips.css';
import { Icon } from './Icon';
import { changeView, toggled, view } from '../state/view';

const NAMES: Record<Dimension, string> = {
  provider: 'Provider',
  model: 'Model',
  task_type: 'Task',
  prompt_name: 'Prompt',
  prompt_version: 'Prompt version',
};

export function FilterChips() {
  const { filters } = view.value;
  const chosen = (Object.entries(filters) as [Dimension, readonly string[]][]).flatMap(([dimension, values]) =>
    values.map((value) => ({ dimension, value })),
  );
  if (chosen.length === 0) return null;
  return (
    <div class="chips" role="group" aria-label="Filters">
      <span class="is-faint">Only</span>
      {chosen.map(({ dimension, value }) => (
        <button
          type="button"
          class="chip"
          key={`${dimension} ${value}`}
          aria-label={`Remove the filter ${NAMES[dimension]} ${value}`}
          onClick={() => changeView({ filters: toggled(filters, dimension, value) })}
        >
          <span class="is-faint">{NAMES[dimension]}</span> {value || '(none)'} <Icon name="close" />
        </button>
      ))}
      <button type="button" class="link" onClick={() => changeView({ filters: {} })}>
        Show all
      </button>
    </div>
  );
}
