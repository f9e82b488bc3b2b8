// The headline: eight numbers about all calls of the range.
import type { ComponentChildren } from 'preact';
import type { MetricWindow } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, duration, NONE, plural, rate, ratio, score, text, type Figure } from '../../format/format';
import { changeText, type Comparison } from '../../metrics/previous';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { overview } from '../../state/live';
import { STEP_NAMES, stepsOf } from '../../state/ranges';
import { view } from '../../state/view';
import { cost } from './cost';
import { Unpriced } from './Unpriced';

interface TileProps {
  label: string;
  term: Term;
  figure: Figure;
  /** How it differs from the range before; empty where nothing is compared. */
  change?: string;
  children?: ComponentChildren;
}

function Tile({ label, term, figure, change = '', children }: TileProps) {
  return (
    <div class="tile card">
      <dt>
        <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
          {label}
        </span>
      </dt>
      <dd class="tile-figure">
        <Value of={figure} />
      </dd>
      <dd class="tile-detail">
        {change ? (
          <span {...tip(DEFINITIONS.before)}>
            <b>{change}</b> vs before
          </span>
        ) : (
          children
        )}
      </dd>
    </div>
  );
}

/** Calls per second in the latest window that is over; null where there is none yet. */
function latestRate(trend: readonly MetricWindow[], asOfMs: number, step_s: number): number | null {
  const over = trend.filter((window) => Date.parse(window.end) <= asOfMs);
  const latest = over.at(-1);
  if (!latest) return trend.length > 0 ? null : 0;
  const startMs = Date.parse(latest.start);
  const endMs = Date.parse(latest.end);
  // A window that is not there had no calls.
  const isLatest = asOfMs - endMs < step_s * 1_000;
  return isLatest ? latest.call_count / ((endMs - startMs) / 1_000) : 0;
}

export function Tiles({ before }: { before: MetricWindow | null }) {
  const { totals, trend, asOfMs, isLoading } = overview.value;
  const isFirstLoad = isLoading && asOfMs === 0;
  const { range } = view.value;
  const { step_s } = stepsOf(range);
  const outcomes = totals?.outcome_counts ?? {};
  const calls = totals?.call_count ?? 0;
  const unsuccessful = calls - (outcomes['SUCCEEDED'] ?? 0) - (outcomes['CANCELLED'] ?? 0);
  const span_s = totals ? (Date.parse(totals.end) - Date.parse(totals.start)) / 1_000 : 0;
  const endMs = range.kind === 'fixed' ? range.endMs : asOfMs;
  const tokens = totals && totals.input_token_count + totals.output_token_count;
  const change = (of: (window: MetricWindow) => number | null | undefined, comparison: Comparison = 'factor'): string =>
    before && totals ? changeText(of(totals), of(before), comparison) : '';
  return (
    <dl class="tiles">
      <Tile
        label="Calls"
        term="calls"
        figure={isFirstLoad ? NONE : count(calls, 'calls')}
        change={change((window) => window.call_count)}
      >
        {totals && `mean ${text(rate(calls / span_s))}`}
      </Tile>
      <Tile label="Call rate" term="rate" figure={rate(isFirstLoad ? null : latestRate(trend, endMs, step_s))}>
        {totals && `in the latest ${STEP_NAMES[step_s] ?? text(duration(step_s))}`}
      </Tile>
      <Tile
        label="Success"
        term="success"
        figure={ratio(totals?.success_ratio)}
        change={change((window) => window.success_ratio, 'points')}
      >
        {totals && (unsuccessful > 0 ? `${plural(unsuccessful, 'call')} did not` : 'every call')}
      </Tile>
      <Tile
        label="Latency, median"
        term="latency"
        figure={duration(totals?.latency_s?.p50)}
        change={change((window) => window.latency_s?.p50)}
      >
        {totals && (
          <>
            p95 <Value of={duration(totals.latency_s?.p95)} />
          </>
        )}
      </Tile>
      <Tile
        label="First token"
        term="firstToken"
        figure={duration(totals?.time_to_first_token_s?.p50)}
        change={change((window) => window.time_to_first_token_s?.p50)}
      >
        {totals && (
          <>
            p95 <Value of={duration(totals.time_to_first_token_s?.p95)} />
          </>
        )}
      </Tile>
      <Tile
        label="Tokens"
        term="tokens"
        figure={count(tokens, 'tokens')}
        change={change((window) => window.input_token_count + window.output_token_count)}
      >
        {totals && (
          <>
            <Value of={count(totals.input_token_count, 'tokens')} /> in,{' '}
            <Value of={count(totals.output_token_count, 'tokens')} /> out
          </>
        )}
      </Tile>
      <Tile
        label="Cost"
        term="cost"
        figure={totals ? cost(totals) : NONE}
        change={change((window) => window.cost_usd)}
      >
        {totals && totals.cost_unknown_count > 0 && <Unpriced unpriced={totals.cost_unknown_count} calls={calls} />}
        {totals && totals.cost_unknown_count === 0 && 'of every call'}
      </Tile>
      <Tile
        label="Quality"
        term="quality"
        figure={score(totals?.quality_ratio)}
        change={change((window) => window.quality_ratio, 'score')}
      >
        {totals && (totals.quality_count > 0 ? `of ${text(count(totals.quality_count))} scored` : 'none scored')}
      </Tile>
    </dl>
  );
}
