// What a good candidate is: a preset, or weights of one's own.
import { DEFINITIONS } from '../../definitions';
import { ratio, text } from '../../format/format';
import {
  parseWeights,
  RANKED_METRIC_NAMES,
  RANKED_METRICS,
  WEIGHT_MOST,
  weightShares,
  weightsText,
} from '../../metrics/rankings';
import { tip } from '../../parts/Tooltip';
import { FacetTabs } from '../../parts/Facets';
import { changeView, view } from '../../state/view';

const OBJECTIVES = [
  ['', 'Balanced'],
  ['quality', 'Quality'],
  ['cheapest', 'Cheapest'],
  ['fastest', 'Fastest'],
  ['reliable', 'Reliable'],
  ['weights', 'Own weights'],
] as const;
// Those of the balanced preset, to begin with.
const FIRST_WEIGHTS = 'quality:4,success:2.5,cost_per_accepted_task:2,latency:1.5';

export function Objectives() {
  return <FacetTabs facet="objective" label="What counts" choices={OBJECTIVES} />;
}

/** The weights that the address asks for. */
export function weightsAsked(): string {
  return view.value.facets.weights ?? FIRST_WEIGHTS;
}

export function WeightSliders() {
  const weights = parseWeights(weightsAsked());
  const shares = weightShares(weights);
  const set = (metric: keyof typeof weights, weight: number): void => {
    const words = weightsText({ ...weights, [metric]: weight });
    if (words) changeView({ facets: { ...view.value.facets, weights: words } }, 'replace');
  };
  return (
    <fieldset class="weights">
      <legend class="visually-hidden">Weights</legend>
      {RANKED_METRIC_NAMES.map((metric) => (
        <label key={metric} class="weight">
          <span {...tip(DEFINITIONS[RANKED_METRICS[metric].term])}>{RANKED_METRICS[metric].label}</span>
          <b>{text(ratio(Math.round(shares[metric] * 100) / 100)).replace('.0', '')}</b>
          <input
            type="range"
            min="0"
            max={WEIGHT_MOST}
            step="0.5"
            value={weights[metric]}
            onInput={(event) => set(metric, event.currentTarget.valueAsNumber)}
          />
        </label>
      ))}
    </fieldset>
  );
}
