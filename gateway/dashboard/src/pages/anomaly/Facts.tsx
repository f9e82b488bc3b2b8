// The numbers of an anomaly, exact where one hovers.
import type { ComponentChildren } from 'preact';
import type { Anomaly, Dimension } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, length, ratio, text } from '../../format/format';
import { instant } from '../../format/time';
import { scopeWords } from '../../metrics/anomalies';
import { KINDS, METRICS } from '../../metrics/metric';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { timeZone } from '../../state/session';
import { addressOf, filtersOf } from '../../state/view';

const DIMENSIONS: readonly (readonly [Dimension, string])[] = [
  ['provider', 'Provider'],
  ['model', 'Model'],
  ['task_type', 'Task'],
  ['prompt_name', 'Prompt'],
  ['prompt_version', 'Version'],
];

function Fact({ name, term, children }: { name: string; term?: Term; children: ComponentChildren }) {
  return (
    <div>
      <dt>
        {term ? (
          <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
            {name}
          </span>
        ) : (
          name
        )}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Facts({ anomaly }: { anomaly: Anomaly }) {
  const { label, term, format } = METRICS[anomaly.metric];
  const zone = timeZone.value;
  const isSilence = anomaly.kind === 'SILENCE';
  const startMs = Date.parse(anomaly.start_time);
  const detectMs = Date.parse(anomaly.detect_time);
  const scope = DIMENSIONS.filter(([dimension]) => typeof anomaly.scope[dimension] === 'string');
  const outcomes = Object.entries(anomaly.outcome_counts).filter(([, number]) => number > 0);
  const outcomeSum = outcomes.reduce((sum, [, number]) => sum + number, 0);
  return (
    <section class="card facts" aria-label="Facts">
      <dl>
        <Fact name="Metric" term={term}>
          {label}
        </Fact>
        <Fact name="Kind">
          <span {...tip(KINDS[anomaly.kind].meaning)}>{KINDS[anomaly.kind].label}</span>
        </Fact>
        {!isSilence && (
          <Fact name="Observed">
            <b>
              <Value of={format(anomaly.observed)} />
            </b>
          </Fact>
        )}
        <Fact name="Expected" term="usual">
          <Value of={format(anomaly.expected)} />
          {anomaly.expected_low !== null && anomaly.expected_high !== null && (
            <span class="is-faint">
              {' '}
              {text(format(anomaly.expected_low))} – {text(format(anomaly.expected_high))}
            </span>
          )}
        </Fact>
        <Fact name={isSilence ? 'Calls expected' : 'Calls'}>
          {isSilence
            ? text(count(anomaly.call_count))
            : `${text(count(anomaly.affected_count))} of ${text(count(anomaly.call_count))}`}
        </Fact>
        {outcomes.map(([outcome, number]) => (
          <Fact key={outcome} name={`· ${outcome.toLowerCase().replace('_', ' ')}`}>
            {text(count(number))}
            <span class="is-faint"> {text(ratio(number / outcomeSum))}</span>
          </Fact>
        ))}
        {scope.length === 0 && <Fact name="Scope">the whole project</Fact>}
        {scope.map(([dimension, name]) => (
          <Fact key={dimension} name={name}>
            {anomaly.scope[dimension] || '(none)'}
          </Fact>
        ))}
        <Fact name="Began">{instant(startMs, zone)}</Fact>
        <Fact name="Told">
          {instant(detectMs, zone)} <span class="is-faint">after {length(detectMs - startMs)}</span>
        </Fact>
        {anomaly.end_time !== null && <Fact name="Over">{instant(Date.parse(anomaly.end_time), zone)}</Fact>}
        {anomaly.log10_e !== null && (
          <Fact name="Evidence" term="evidence">
            10<sup>{anomaly.log10_e.toFixed(1)}</sup> to 1
          </Fact>
        )}
      </dl>
      <a class="facts-link" href={addressOf('/series', { filters: filtersOf(anomaly.scope) })}>
        {scopeWords(anomaly.scope)} now
      </a>
    </section>
  );
}
