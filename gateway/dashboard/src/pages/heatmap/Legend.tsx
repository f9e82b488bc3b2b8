// What the colours of the cells mean.
import type { MetricName } from '../../api/model';
import { changeWords, DIFFERENCES } from '../../metrics/heat';
import { METRICS } from '../../metrics/metric';

export function Legend({ metric }: { metric: MetricName }) {
  const { steps, better } = DIFFERENCES[metric];
  const [less, more] =
    better === 'neither'
      ? ['is-other', 'is-other']
      : better === 'more'
        ? ['is-worse', 'is-better']
        : ['is-better', 'is-worse'];
  const meaning = (tone: string): string =>
    ({ 'is-worse': 'worse', 'is-better': 'better', 'is-other': 'other than usual' })[tone]!;
  return (
    <section class="heat-legend" aria-label="Legend">
      <span>{METRICS[metric].label} against what is usual at these hours:</span>
      <ul>
        {[3, 2, 1].map((level) => (
          <li key={-level} class={`${less} is-${level}`}>
            ▼ {changeWords(metric, -steps[level - 1]!)}
          </li>
        ))}
        <li>as usual, or chance</li>
        {[1, 2, 3].map((level) => (
          <li key={level} class={`${more} is-${level}`}>
            ▲ {changeWords(metric, steps[level - 1]!)}
          </li>
        ))}
      </ul>
      <span>
        ▼ is {meaning(less!)}, ▲ is {meaning(more!)}. Colour begins at two standard errors.
      </span>
    </section>
  );
}
