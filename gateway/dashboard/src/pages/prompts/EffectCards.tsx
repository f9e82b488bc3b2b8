// What is behind a verdict: how the interval narrowed, and what changed in which stratum.
import type { PromptComparison, PromptEffect, PromptMetricName, PromptStratum } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { count, plural, ratio, text } from '../../format/format';
import { instant } from '../../format/time';
import { sentence } from '../../metrics/anomalies';
import { differenceWords, PROMPT_METRICS, VERDICTS } from '../../metrics/prompts';
import { IntervalBar } from '../../parts/IntervalBar';
import { linearScale } from '../../parts/scale';
import { State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { timeZone } from '../../state/session';
import { SequenceChart } from './SequenceChart';
import { shownVersion } from './VerdictTable';

export function EffectCards({ comparison, metric }: { comparison: PromptComparison; metric: PromptMetricName }) {
  const { version, effects } = shownVersion(comparison);
  const effect = effects.find((one) => one.metric === metric);
  if (!effect) return null;
  const name = version.prompt_version || '(no version)';
  const baseline = comparison.baseline?.prompt_version || '(no version)';
  return (
    <>
      <section class="card sequence-card" aria-label="Over time">
        <header class="list-header">
          <h2>
            {PROMPT_METRICS[metric].label} of {name} against {baseline}
          </h2>
          <VerdictChip effect={effect} />
        </header>
        <p class="sequence-words">{sentence(effect.explanation)}</p>
        {effect.sequence.some((point) => point.low !== null || point.high !== null) ? (
          <SequenceChart effect={effect} />
        ) : (
          <State icon="info" title="Nothing could be compared yet">
            <p>No provider, model and task has calls of both versions.</p>
          </State>
        )}
        <Facts effect={effect} />
      </section>
      <Strata effect={effect} name={name} baseline={baseline} />
    </>
  );
}

function VerdictChip({ effect: { verdict } }: { effect: PromptEffect }) {
  const { label, sign, tone } = VERDICTS[verdict];
  return (
    <span class={`verdict-chip is-${tone}`}>
      <span aria-hidden="true">{sign}</span> {label}
    </span>
  );
}

function Facts({ effect }: { effect: PromptEffect }) {
  const { difference } = PROMPT_METRICS[effect.metric];
  return (
    <dl class="effect-facts">
      <div>
        <dt {...tip(DEFINITIONS.difference)}>Difference</dt>
        <dd>{effect.difference === null ? '–' : difference(effect.difference)}</dd>
      </div>
      <div>
        <dt {...tip(DEFINITIONS.sequence)}>Interval, always valid</dt>
        <dd>{differenceWords(effect.metric, effect)}</dd>
      </div>
      <div>
        <dt {...tip(DEFINITIONS.margin)}>Margin</dt>
        <dd>{difference(effect.margin).replace('+', '±')}</dd>
      </div>
      <div>
        <dt>Compared</dt>
        <dd>{plural(Math.round(effect.call_count), 'call')}</dd>
      </div>
      {effect.decide_time && (
        <div>
          <dt>Decided</dt>
          <dd>{instant(Date.parse(effect.decide_time), timeZone.value)}</dd>
        </div>
      )}
      {effect.further_call_count !== null && (
        <div>
          <dt>Expected until a verdict</dt>
          <dd>{plural(Math.ceil(effect.further_call_count), 'more call')}</dd>
        </div>
      )}
    </dl>
  );
}

function Strata({ effect, name, baseline }: { effect: PromptEffect; name: string; baseline: string }) {
  const { strata, metric } = effect;
  const ends = strata.flatMap(({ low, high }) => [low, high]).filter((value) => value !== null);
  const scale = linearScale([0, ...ends], 6);
  return (
    <section class="card strata-card" aria-label="Strata">
      <header class="list-header">
        <h2 class="term" tabIndex={0} {...tip(DEFINITIONS.strata)}>
          What changed where
        </h2>
        <p class="is-faint">the weightiest first; intervals of single strata are hints and no verdicts</p>
      </header>
      {strata.length === 0 && <State icon="info" title="No stratum has calls of both versions" />}
      {strata.length > 0 && (
        <table class="strata">
          <thead>
            <tr>
              <th scope="col">Provider, model, task</th>
              <th scope="col">Difference, 90 % interval</th>
              <th scope="col" class="is-number">
                {name}
              </th>
              <th scope="col" class="is-number">
                {baseline}
              </th>
              <th scope="col" class="is-number">
                Weight
              </th>
            </tr>
          </thead>
          <tbody>
            {strata.map((one) => (
              <StratumRow
                key={JSON.stringify([one.provider, one.model, one.task_type])}
                one={one}
                metric={metric}
                at={scale.at}
                names={[name, baseline]}
              />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface StratumRowProps {
  one: PromptStratum;
  metric: PromptMetricName;
  at: (value: number) => number;
  names: readonly [string, string];
}

/** How the stratum alone looks: good, bad, or neither. */
function toneOf({ low, high }: PromptStratum, metric: PromptMetricName): 'good' | 'bad' | 'soft' {
  if (low === null || high === null || (low <= 0 && high >= 0)) return 'soft';
  return high < 0 === PROMPT_METRICS[metric].isLowerBetter ? 'good' : 'bad';
}

function StratumRow({ one, metric, at, names }: StratumRowProps) {
  const { format, difference } = PROMPT_METRICS[metric];
  const words =
    one.difference === null ? 'Not known' : `${difference(one.difference)} (${differenceWords(metric, one)})`;
  return (
    <tr>
      <th scope="row">
        <b>{one.provider}</b> {one.model} <span class="is-faint">{one.task_type}</span>
      </th>
      <td class="stratum-cell">
        <span class="stratum-interval">
          <b>{one.difference === null ? '–' : difference(one.difference)}</b>
          {one.low !== null && one.high !== null && (
            <IntervalBar
              low={one.low}
              high={one.high}
              value={one.difference}
              at={at}
              lines={[0]}
              tone={toneOf(one, metric)}
              words={words}
            />
          )}
        </span>
      </td>
      <td class="is-number" data-label={names[0]}>
        {text(format(one.version_mean))} <span class="is-faint">{text(count(Math.round(one.version_count)))}</span>
      </td>
      <td class="is-number" data-label={names[1]}>
        {text(format(one.baseline_mean))} <span class="is-faint">{text(count(Math.round(one.baseline_count)))}</span>
      </td>
      <td class="is-number" data-label="Weight">
        {text(ratio(one.weight_ratio))}
      </td>
    </tr>
  );
}
