// A number on the page: short, with its unit, and exact where one hovers.
import type { Figure } from '../format/format';
import { tip } from './Tooltip';

export function Value({ of: figure, note = '' }: { of: Figure; note?: string }) {
  return (
    <span {...tip(note ? `${figure.exact}. ${note}` : figure.exact)}>
      {figure.value}
      {figure.unit && <span class="unit">{figure.unit}</span>}
    </span>
  );
}
