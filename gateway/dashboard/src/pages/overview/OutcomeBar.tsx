// How a row's calls ended, as a bar: its length is the part that succeeded.
import type { MetricWindow } from '../../api/model';
import { count, text } from '../../format/format';
import { tip } from '../../parts/Tooltip';
import { OUTCOMES } from './outcomes';

const WIDTH = 40;

export function OutcomeBar({ window }: { window: MetricWindow }) {
  const words = OUTCOMES.filter(([outcome]) => window.outcome_counts[outcome])
    .map(([outcome, name]) => `${text(count(window.outcome_counts[outcome]))} ${name}`)
    .join(', ');
  return (
    <svg
      class="outcome-bar"
      viewBox={`0 0 ${WIDTH} 8`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
      {...tip(words)}
    >
      <rect class="outcome-bar-rest" width={WIDTH} height="8" />
      <rect class="outcome-bar-good" width={WIDTH * (window.success_ratio ?? 0)} height="8" />
    </svg>
  );
}
