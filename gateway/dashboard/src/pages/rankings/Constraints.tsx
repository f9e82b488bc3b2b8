// The bounds that candidates must surely keep, to be played with: what is typed is asked at once, and stays in the address.
import { BOUNDS, type Bound } from '../../metrics/rankings';
import { tip } from '../../parts/Tooltip';
import { changeView, view } from '../../state/view';
import { WeightSliders } from './Objectives';

export function Constraints() {
  const { facets } = view.value;
  const isAny = BOUNDS.some(({ facet }) => facets[facet]);
  const clear = (): void => {
    const none = Object.fromEntries(BOUNDS.map(({ facet }) => [facet, '']));
    changeView({ facets: { ...view.value.facets, ...none } });
  };
  return (
    <section class="card constraints" aria-label="What is asked for">
      {facets.objective === 'weights' && <WeightSliders />}
      <div class="bounds" role="group" aria-label="Bounds">
        {BOUNDS.map((bound) => (
          <BoundField key={bound.name} bound={bound} />
        ))}
        <button type="button" class="link" disabled={!isAny} onClick={clear}>
          No bounds
        </button>
      </div>
    </section>
  );
}

function BoundField({ bound: { facet, label, unit, step, most, meaning } }: { bound: Bound }) {
  const value = view.value.facets[facet] ?? '';
  return (
    <label class={`bound${value ? ' is-chosen' : ''}`} {...tip(`${meaning} Surely: with a probability of 95 %.`)}>
      <span>{label}</span>
      <input
        class="input"
        type="number"
        inputMode="decimal"
        min="0"
        max={most}
        step={step}
        placeholder="any"
        value={value}
        onInput={(event) =>
          changeView({ facets: { ...view.value.facets, [facet]: event.currentTarget.value } }, 'replace')
        }
      />
      <span class="bound-unit">{unit}</span>
    </label>
  );
}
