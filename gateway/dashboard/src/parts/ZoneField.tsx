// The zone whose clock is meant.
import { useId } from 'preact/hooks';
import { isZone } from '../metrics/shifts';
import { Field } from './Field';

const ZONES = Intl.supportedValuesOf('timeZone');

export function ZoneField({ zone, onChange }: { zone: string; onChange: (zone: string) => void }) {
  const id = useId();
  return (
    <Field label="Time zone" problem={isZone(zone) ? '' : 'There is no such zone'}>
      <input
        class="input"
        list={id}
        placeholder="UTC"
        value={zone}
        onInput={(event) => onChange(event.currentTarget.value.trim())}
      />
      <datalist id={id}>
        {ZONES.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </Field>
  );
}
