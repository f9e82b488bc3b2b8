// The series of an anomaly that is wider than one.
import type { WholeAnomaly } from '../../api/model';
import { count, text } from '../../format/format';
import { METRICS } from '../../metrics/metric';
import { Value } from '../../parts/Value';
import { addressOf, filtersOf } from '../../state/view';

export function Parts({ whole: { anomaly, parts } }: { whole: WholeAnomaly }) {
  if (parts.length < 2) return null;
  return (
    <section class="card" aria-label="Parts">
      <header class="list-header">
        <h2>Series that show it</h2>
        <p class="is-faint">
          {parts.length < anomaly.part_count
            ? `the strongest ${parts.length} of ${anomaly.part_count}`
            : 'the strongest first'}
        </p>
      </header>
      <div class="plain-scroll" tabIndex={0} role="region" aria-label="Table of the series that show it">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Series</th>
              <th scope="col">Metric</th>
              <th scope="col" class="is-number">
                Expected
              </th>
              <th scope="col" class="is-number">
                Observed
              </th>
              <th scope="col" class="is-number">
                Calls
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part) => {
              const { provider, model, task_type, prompt_name, prompt_version } = part.key;
              const { label, format } = METRICS[part.metric];
              return (
                <tr key={JSON.stringify([part.key, part.metric])}>
                  <th scope="row">
                    <a href={addressOf('/series', { filters: filtersOf(part.key) })}>
                      {[provider, model].filter(Boolean).join(' ') || '(none)'}
                    </a>
                    <span class="is-faint">
                      {' '}
                      {[task_type, prompt_name, prompt_version].filter(Boolean).join(' · ')}
                    </span>
                  </th>
                  <td>{label}</td>
                  <td class="is-number">
                    <Value of={format(part.expected)} />
                  </td>
                  <td class="is-number">
                    <b>
                      <Value of={format(part.observed)} />
                    </b>
                  </td>
                  <td class="is-number">
                    {text(count(part.affected_count))} of {text(count(part.call_count))}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
