// What the rule would have told over the last weeks: in one sentence, as a picture, and one by one.
import { useMemo, useState } from 'preact/hooks';
import { backtestRule } from '../../api/alerter';
import type { Backtest as Result, RuleBody } from '../../api/model';
import { length, plural, text, count, duration, type Figure } from '../../format/format';
import { span } from '../../format/time';
import { RULE_METRICS, ruleValue } from '../../metrics/rules';
import type { Slot } from '../../metrics/windows';
import { durationExtent, durationTicks, zeroExtent } from '../../parts/charting';
import { Failure } from '../../parts/State';
import { TimeChart, type Line } from '../../parts/TimeChart';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { useSettled } from '../../state/settled';

const DAY_S = 86_400;
const RANGES: readonly (readonly [seconds: number, label: string])[] = [
  [DAY_S, '24 hours'],
  [7 * DAY_S, '7 days'],
  [30 * DAY_S, '30 days'],
];
// Longer than the pause between two key strokes.
const QUIET_MS = 600;
const EPISODES_SHOWN = 8;

export function Backtest({ rule }: { rule: RuleBody }) {
  const [range_s, setRange] = useState(30 * DAY_S);
  const question = useSettled(JSON.stringify(rule), QUIET_MS);
  const { data, error, isLoading, reload } = useResource(JSON.stringify([project.value, question, range_s]), (signal) =>
    backtestRule(project.value, JSON.parse(question) as RuleBody, range_s, signal),
  );
  return (
    <section class="card backtest" aria-label="Back-test" aria-busy={isLoading}>
      <header class="list-header">
        <h2>Back-test</h2>
        <select
          class="select"
          aria-label="How far back"
          value={String(range_s)}
          onChange={(event) => setRange(Number(event.currentTarget.value))}
        >
          {RANGES.map(([seconds, words]) => (
            <option key={seconds} value={String(seconds)}>
              the last {words}
            </option>
          ))}
        </select>
        <span class="is-faint" role="status">
          {isLoading && 'Working it out …'}
        </span>
      </header>
      {data && !error && <Answer rule={rule} result={data} />}
      {error && <Failure what="It could not be worked out" error={error} onRetry={reload} />}
      {!data && !error && <div class="backtest-waiting" aria-hidden="true" />}
    </section>
  );
}

const nameOf = (labels: Record<string, string>): string =>
  Object.values(labels).filter(Boolean).join(' · ') || 'everything';

function Answer({ rule, result }: { rule: RuleBody; result: Result }) {
  const [chosen, setChosen] = useState('');
  const names = result.groups.map((group) => nameOf(group.labels));
  const name = names.includes(chosen) ? chosen : names[0];
  return (
    <>
      <p class="backtest-answer">
        {result.firing_count === 0 ? (
          <>It would not have fired, in {plural(result.group_count, 'group')}.</>
        ) : (
          <>
            It would have fired <b>{result.firing_count === 1 ? 'once' : plural(result.firing_count, 'time')}</b>
            {result.mean_duration_s !== null && <>, for {length(result.mean_duration_s * 1_000)} on average</>}, in{' '}
            {plural(new Set(result.episodes.map((one) => nameOf(one.labels))).size, 'group')} of{' '}
            {text(count(result.group_count))}.
          </>
        )}
      </p>
      {name !== undefined && (
        <>
          {names.length > 1 && (
            <div class="backtest-groups" role="group" aria-label="Group on the chart">
              {names.map((one) => (
                <button
                  type="button"
                  class="chip-choice"
                  key={one}
                  aria-pressed={one === name}
                  onClick={() => setChosen(one)}
                >
                  {one}
                </button>
              ))}
            </div>
          )}
          <Course rule={rule} result={result} name={name} />
        </>
      )}
      {result.episodes.length > 0 && <Episodes rule={rule} result={result} />}
      {result.approximations.length > 0 && <p class="is-faint backtest-small">{result.approximations.join(' ')}</p>}
    </>
  );
}

function Course({ rule, result, name }: { rule: RuleBody; result: Result; name: string }) {
  const { threshold } = rule;
  const startMs = Date.parse(result.start_time);
  const stepMs = result.step_s * 1_000;
  const group = result.groups.find((one) => nameOf(one.labels) === name)!;
  const slots = useMemo<Slot[]>(
    () =>
      group.values.map((_, index) => ({
        startMs: startMs + index * stepMs,
        endMs: startMs + (index + 1) * stepMs,
        window: undefined,
      })),
    [group],
  );
  const lines = useMemo<Line[]>(() => {
    const value: Line = { label: 'value', colour: '--data-blue', mark: 'solid', values: group.values };
    if (!threshold) return [value];
    const bound = group.values.map(() => threshold.threshold);
    return [{ label: 'bound', colour: '--data-orange', mark: 'dashed', values: bound }, value];
  }, [group, threshold?.threshold]);
  const episodes = useMemo(
    () =>
      result.episodes
        .filter((one) => nameOf(one.labels) === name)
        .map((one) => ({
          startMs: Date.parse(one.start_time),
          endMs: one.end_time === null ? null : Date.parse(one.end_time),
          severity: one.severity,
        })),
    [result, name],
  );
  const isDuration = threshold !== null && threshold !== undefined && RULE_METRICS[threshold.metric][1] === 's';
  const format = (value: number | null | undefined): Figure => ({
    value: threshold ? ruleValue(threshold.metric, value ?? null) : (value?.toPrecision(3) ?? '–'),
    unit: '',
    exact: String(value ?? 'No data'),
  });
  return (
    <TimeChart
      title={name}
      definition={`What was measured, looked at every ${text(duration(result.step_s))}; shaded where it would have fired.`}
      slots={slots}
      lines={lines}
      episodes={episodes}
      restIndex={Math.max(
        0,
        group.values.findLastIndex((one) => one !== null),
      )}
      format={format}
      zone={timeZone.value}
      onZoom={() => undefined}
      {...(isDuration ? { extent: durationExtent, logTicks: durationTicks } : { extent: zeroExtent })}
    />
  );
}

function Episodes({ rule, result }: { rule: RuleBody; result: Result }) {
  const latest = [...result.episodes].reverse().slice(0, EPISODES_SHOWN);
  const endMs = Date.parse(result.end_time);
  return (
    <ul class="backtest-episodes" aria-label="The latest times">
      {latest.map((one) => {
        const from = Date.parse(one.start_time);
        const to = one.end_time === null ? endMs : Date.parse(one.end_time);
        return (
          <li key={`${nameOf(one.labels)} ${one.start_time}`}>
            <span>{span(from, to, timeZone.value)}</span>
            <b>{nameOf(one.labels)}</b>
            <span>
              {one.end_time === null ? 'goes on' : length(to - from)}
              {rule.threshold &&
                `, ${rule.threshold.comparison === 'ABOVE' ? 'up' : 'down'} to ${ruleValue(rule.threshold.metric, one.peak)}`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
