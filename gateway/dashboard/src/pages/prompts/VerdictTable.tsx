// Each version against the baseline in each metric: the verdict, and the interval that it rests on. A cell opens what is behind it.
import type { ComparedVersion, PromptComparison, PromptEffect, PromptMetricName, PromptRanking } from '../../api/model';
import { DEFINITIONS } from '../../definitions';
import { plural, ratio, text } from '../../format/format';
import { dayMonth } from '../../format/time';
import { differenceWords, furtherWords, PROMPT_METRIC_NAMES, PROMPT_METRICS, VERDICTS } from '../../metrics/prompts';
import { IntervalBar } from '../../parts/IntervalBar';
import { tip } from '../../parts/Tooltip';
import { timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';

// Below, whatever else changed over time weighs more than what happened side by side.
const SIMULTANEOUS_LOW = 0.5;

interface VerdictTableProps {
  comparison: PromptComparison;
  order: PromptRanking | null;
  metric: PromptMetricName;
}

/** The version whose effects are shown: the one in the address, or the one used last. */
export function shownVersion(comparison: PromptComparison): ComparedVersion {
  const asked = view.value.filters.prompt_version?.[0];
  return comparison.versions.find(({ version }) => version.prompt_version === asked) ?? comparison.versions[0]!;
}

function show(version: string, metric: PromptMetricName): void {
  const { filters, facets } = view.value;
  changeView({ filters: { ...filters, prompt_version: [version] }, facets: { ...facets, metric } });
}

export function VerdictTable({ comparison, order, metric }: VerdictTableProps) {
  const shown = shownVersion(comparison);
  return (
    <section class="card verdict-card" aria-label="Verdicts">
      <table class="verdicts">
        <thead>
          <tr>
            <th scope="col">Version</th>
            {PROMPT_METRIC_NAMES.map((name) => (
              <th scope="col" key={name}>
                <span class="term" tabIndex={0} {...tip(DEFINITIONS[PROMPT_METRICS[name].term])}>
                  {PROMPT_METRICS[name].label}
                </span>
              </th>
            ))}
            <th scope="col">Place by {PROMPT_METRICS[metric].label.toLowerCase()}</th>
          </tr>
        </thead>
        <tbody>
          {comparison.versions.map((one) => (
            <tr key={one.version.prompt_version}>
              <VersionName one={one} />
              {PROMPT_METRIC_NAMES.map((name) => {
                const effect = one.effects.find((it) => it.metric === name);
                return (
                  <td key={name} data-label={PROMPT_METRICS[name].label}>
                    {effect && (
                      <Verdict
                        effect={effect}
                        isShown={one === shown && name === metric}
                        onShow={() => show(one.version.prompt_version, name)}
                      />
                    )}
                  </td>
                );
              })}
              <td data-label="Place">
                <Place order={order} version={one.version.prompt_version} />
              </td>
            </tr>
          ))}
          {comparison.baseline && (
            <tr class="is-baseline">
              <th scope="row">
                <b>{comparison.baseline.prompt_version || '(no version)'}</b>
                <span class="is-faint">{plural(comparison.baseline.call_count, 'call')}</span>
              </th>
              <td colSpan={PROMPT_METRIC_NAMES.length} class="is-faint">
                the baseline
              </td>
              <td data-label="Place">
                <Place order={order} version={comparison.baseline.prompt_version} />
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function VersionName({ one: { version, simultaneous_ratio: beside } }: { one: ComparedVersion }) {
  const since = version.first_call_time && dayMonth(Date.parse(version.first_call_time), timeZone.value);
  return (
    <th scope="row">
      <b>{version.prompt_version || '(no version)'}</b>
      <span class="is-faint">
        {plural(version.call_count, 'call')}
        {since && ` since ${since}`}
      </span>
      <span
        class={beside < SIMULTANEOUS_LOW ? 'is-doubtful' : 'is-faint'}
        {...tip(DEFINITIONS.simultaneous)}
        tabIndex={0}
      >
        {text(ratio(beside))} side by side
      </span>
    </th>
  );
}

function Verdict({ effect, isShown, onShow }: { effect: PromptEffect; isShown: boolean; onShow: () => void }) {
  const { label, sign, tone } = VERDICTS[effect.verdict];
  const { difference } = PROMPT_METRICS[effect.metric];
  return (
    <button
      type="button"
      class={`verdict is-${tone}`}
      aria-pressed={isShown}
      {...tip(effect.explanation)}
      onClick={onShow}
    >
      <span class="verdict-word">
        <span class="verdict-sign" aria-hidden="true">
          {sign}
        </span>
        {label}
      </span>
      <b>{effect.difference === null ? '–' : difference(effect.difference)}</b>
      <span class="is-faint">{furtherWords(effect) || differenceWords(effect.metric, effect)}</span>
    </button>
  );
}

function Place({ order, version }: { order: PromptRanking | null; version: string }) {
  const found = order?.versions.find((one) => one.version.prompt_version === version);
  if (!order || !found) return <span class="is-faint">–</span>;
  const { rank_low: low, rank_high: high } = found;
  const all = order.versions.length;
  const words = low === high ? `Place ${low} of ${all}` : `Place ${low} to ${high} of ${all}`;
  return (
    <span class="place">
      <b>{low === high ? low : `${low}–${high}`}</b>
      <IntervalBar low={low - 0.35} high={high + 0.35} value={null} at={(value) => (value - 0.5) / all} words={words} />
    </span>
  );
}
