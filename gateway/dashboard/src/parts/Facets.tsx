// What a list is narrowed to: tabs for a few choices, a picker for many. The choice lives in the address.
import { changeView, view, type Facet } from '../state/view';
import './facets.css';

interface FacetProps {
  facet: Facet;
  label: string;
  choices: readonly (readonly [value: string, label: string])[];
}

function choose(facet: Facet, value: string): void {
  changeView({ facets: { ...view.value.facets, [facet]: value } });
}

/** The first choice is the usual one. */
export function FacetTabs({ facet, label, choices }: FacetProps) {
  const chosen = choices.find(([value]) => value === view.value.facets[facet]) ?? choices[0];
  return (
    <div class="facet-tabs" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button
          type="button"
          key={choice[0]}
          class="facet-tab"
          aria-pressed={choice === chosen}
          onClick={() => choose(facet, choice[0])}
        >
          {choice[1]}
        </button>
      ))}
    </div>
  );
}

export function FacetPicker({ facet, label, choices, all }: FacetProps & { all: string }) {
  const value = view.value.facets[facet] ?? '';
  const isKnown = choices.some(([choice]) => choice === value);
  return (
    <select
      class={`select${isKnown ? ' is-chosen' : ''}`}
      aria-label={label}
      value={isKnown ? value : ''}
      onChange={(event) => choose(facet, event.currentTarget.value)}
    >
      <option value="">{all}</option>
      {choices.map(([choice, words]) => (
        <option key={choice} value={choice}>
          {words}
        </option>
      ))}
    </select>
  );
}
