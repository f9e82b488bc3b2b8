// A length of time, as a number and its unit. Where it is empty, what is usual holds, and shows.
import { useState } from 'preact/hooks';
import { spanWords } from '../metrics/policy';
import './span-input.css';

const UNITS = [
  [1, 's'],
  [60, 'min'],
  [3_600, 'h'],
  [86_400, 'd'],
] as const;

interface SpanInputProps {
  label: string;
  value_s: number | null;
  /** What holds while it is empty; null where it must not be. */
  usual_s: number | null;
  onChange: (value_s: number | null) => void;
}

/** The largest unit in which it is a whole number. */
function unitOf(seconds: number): number {
  return UNITS.findLast(([size]) => seconds >= size && seconds % size === 0)?.[0] ?? 1;
}

export function SpanInput({ label, value_s, usual_s, onChange }: SpanInputProps) {
  const [unit, setUnit] = useState(() => unitOf(value_s ?? usual_s ?? 60));
  const take = (number: number, size: number): void => {
    if (Number.isFinite(number) && number >= 0) onChange(number * size);
    else if (usual_s !== null) onChange(null);
  };
  return (
    <span class="span-input">
      <input
        class="input"
        type="number"
        min={0}
        step="any"
        aria-label={label}
        placeholder={usual_s === null ? '' : spanWords(usual_s)}
        value={value_s === null ? '' : value_s / unit}
        onInput={(event) => take(event.currentTarget.valueAsNumber, unit)}
      />
      <select
        class="select"
        aria-label={`Unit of: ${label}`}
        value={String(unit)}
        onChange={(event) => {
          const next = Number(event.currentTarget.value);
          setUnit(next);
          if (value_s !== null) onChange((value_s / unit) * next);
        }}
      >
        {UNITS.map(([size, name]) => (
          <option key={size} value={String(size)}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}
