// Whether the range before stands beside the one on the page.
import { Icon } from '../parts/Icon';
import { tip } from '../parts/Tooltip';
import { isComparing } from '../state/previous';
import { changeView, view } from '../state/view';

export function CompareToggle() {
  const isOn = isComparing();
  const toggle = (): void => changeView({ facets: { ...view.value.facets, compare: isOn ? '' : 'previous' } });
  return (
    <button
      type="button"
      class="button header-compare"
      aria-pressed={isOn}
      {...tip('Beside it the range before, as long as this one')}
      onClick={toggle}
    >
      <Icon name="compare" /> Compare
    </button>
  );
}
