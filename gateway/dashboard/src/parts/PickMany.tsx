// Several out of some names: those that are chosen as chips, in their order; the others to be added.
import { Icon } from './Icon';
import './filter-chips.css';

interface PickManyProps {
  label: string;
  chosen: readonly string[];
  choices: readonly string[];
  /** Whether the same may be chosen more than once. */
  mayRepeat?: boolean;
  /** What the picker says. */
  add: string;
  onChange: (chosen: string[]) => void;
}

export function PickMany({ label, chosen, choices, mayRepeat = false, add, onChange }: PickManyProps) {
  const left = mayRepeat ? choices : choices.filter((one) => !chosen.includes(one));
  return (
    <div class="chips" role="group" aria-label={label}>
      {chosen.map((one, index) => (
        <button
          type="button"
          class={`chip${choices.includes(one) ? '' : ' is-unknown'}`}
          key={`${one} ${index}`}
          aria-label={`Remove ${one}`}
          onClick={() => onChange(chosen.filter((_, at) => at !== index))}
        >
          {one} <Icon name="close" />
        </button>
      ))}
      {left.length > 0 && (
        <select
          class="select"
          aria-label={`${label}: add`}
          value=""
          onChange={(event) => onChange([...chosen, event.currentTarget.value])}
        >
          <option value="">{add}</option>
          {left.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
