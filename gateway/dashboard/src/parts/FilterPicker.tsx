// Narrows down to values of a dimension that have been seen; what is chosen shows as a chip.
import type { Dimension, SeriesKey } from '../api/model';
import { changeView, toggled, view } from '../state/view';

interface FilterPickerProps {
  dimension: Dimension;
  label: string;
  /** The series that there are; null while they are not known. */
  series: readonly SeriesKey[] | null;
}

/** The values of a dimension among the series, by name. */
export function valuesOf(series: readonly SeriesKey[], dimension: Dimension): string[] {
  return [...new Set(series.map((key) => key[dimension] ?? ''))].sort();
}

export function FilterPicker({ dimension, label, series }: FilterPickerProps) {
  const { filters } = view.value;
  const chosen = filters[dimension] ?? [];
  const values = valuesOf(series ?? [], dimension).filter((value) => !chosen.includes(value));
  return (
    <select
      class="select"
      aria-label={`Only this ${label.toLowerCase()}`}
      disabled={series === null}
      value="choose"
      onChange={(event) => changeView({ filters: toggled(filters, dimension, event.currentTarget.value.slice(1)) })}
    >
      <option value="choose">{label}</option>
      {values.map((value) => (
        <option key={value} value={`=${value}`}>
          {value || '(none)'}
        </option>
      ))}
    </select>
  );
}
