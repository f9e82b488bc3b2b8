// The candidates, the first first: each with the ranks it may have, its score with the interval, and what it is best with.
import { Fragment } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { RankedCandidate, RankedMetricName, Ranking } from '../../api/model';
import { DEFINITIONS, type Term } from '../../definitions';
import { count, ratio, text } from '../../format/format';
import { estimateOf, intervalWords, RANKED_METRICS } from '../../metrics/rankings';
import { Icon } from '../../parts/Icon';
import { IntervalBar } from '../../parts/IntervalBar';
import { linearScale, type Scale } from '../../parts/scale';
import { tip } from '../../parts/Tooltip';
import { RankDetails } from './RankDetails';

const COLUMN_METRICS: readonly RankedMetricName[] = ['QUALITY', 'SUCCESS', 'COST_PER_ACCEPTED_TASK', 'LATENCY'];
const COLUMN_COUNT = 7 + COLUMN_METRICS.length;
const SKELETON_ROWS = 6;

function Heading({ label, term, isNumber = true }: { label: string; term: Term; isNumber?: boolean }) {
  return (
    <th scope="col" class={isNumber ? 'is-number' : ''}>
      <span class="term" tabIndex={0} {...tip(DEFINITIONS[term])}>
        {label}
      </span>
    </th>
  );
}

function Headings() {
  return (
    <thead>
      <tr>
        <Heading label="Rank" term="rankInterval" isNumber={false} />
        <th scope="col">Candidate</th>
        <Heading label="Score" term="rankingScore" isNumber={false} />
        <Heading label="Best with" term="probabilityBest" />
        <Heading label="Share" term="share" />
        {COLUMN_METRICS.map((metric) => (
          <Heading key={metric} label={RANKED_METRICS[metric].label} term={RANKED_METRICS[metric].term} />
        ))}
        <Heading label="Calls" term="decayedCalls" />
        <th scope="col">
          <span class="visually-hidden">Details</span>
        </th>
      </tr>
    </thead>
  );
}

function scoreScale(candidates: readonly RankedCandidate[]): Scale | null {
  const ends = candidates.flatMap((one) => [one.score_low, one.score_high]).filter((value) => value !== null);
  return ends.length > 0 ? linearScale(ends, 6) : null;
}

export function RankTable({ ranking: { candidates } }: { ranking: Ranking }) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const scale = useMemo(() => scoreScale(candidates), [candidates]);
  const toggle = (id: string): void => {
    const next = new Set(opened);
    if (!next.delete(id)) next.add(id);
    setOpened(next);
  };
  return (
    <section class="card rank-card" aria-label="Ranking">
      <table class="rank-table">
        <Headings />
        <tbody>
          {candidates.map((one) => {
            const id = `${one.candidate.provider}/${one.candidate.model}`;
            const isOpen = opened.has(id);
            return (
              <Fragment key={id}>
                <Row one={one} count={candidates.length} scale={scale} isOpen={isOpen} onToggle={() => toggle(id)} />
                {isOpen && (
                  <tr class="rank-details-row">
                    <td colSpan={COLUMN_COUNT}>
                      <RankDetails one={one} />
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  one: RankedCandidate;
  count: number;
  scale: Scale | null;
  isOpen: boolean;
  onToggle: () => void;
}

function Row({ one, count: candidateCount, scale, isOpen, onToggle }: RowProps) {
  const { provider, model } = one.candidate;
  return (
    <tr class={`rank-row${isOpen ? ' is-open' : ''}${one.rank === 1 ? ' is-first' : ''}`}>
      <td class="cell-rank">
        <b>{one.rank}</b>
        <RankInterval one={one} count={candidateCount} />
      </td>
      <th scope="row" class="cell-candidate">
        <span class="candidate">
          <span class="rank-name">
            <b>{provider}</b> {model}
          </span>
          <Chips one={one} />
        </span>
      </th>
      <td class="cell-score">
        <ScoreInterval one={one} scale={scale} />
      </td>
      <td class="is-number" data-label="Best with">
        <span {...tip(ratio(one.probability_best).exact)}>{text(ratio(one.probability_best))}</span>
      </td>
      <td class="is-number" data-label="Share">
        <Share value={one.suggested_share} />
      </td>
      {COLUMN_METRICS.map((metric) => (
        <td class="is-number" key={metric} data-label={RANKED_METRICS[metric].label}>
          <EstimateCell one={one} metric={metric} />
        </td>
      ))}
      <td class="is-number" data-label="Calls">
        <span {...tip(`${one.call_count.toFixed(1)} calls, old ones counting for less`)}>
          {text(count(Math.round(one.call_count)))}
        </span>
      </td>
      <td class="cell-open">
        <button
          type="button"
          class="rank-open"
          aria-expanded={isOpen}
          aria-label={`Why ${provider} ${model} stands there`}
          {...tip('Reasons and all estimates')}
          onClick={onToggle}
        >
          <Icon name="chevron" />
        </button>
      </td>
    </tr>
  );
}

function RankInterval({
  one: { rank, rank_low: low, rank_high: high },
  count: all,
}: {
  one: RankedCandidate;
  count: number;
}) {
  const words =
    low === high ? `Surely rank ${low} of ${all}` : `Rank ${rank}, surely between ${low} and ${high} of ${all}`;
  const at = (value: number): number => (value - 0.5) / all;
  return (
    <IntervalBar
      low={low - 0.35}
      high={high + 0.35}
      value={rank}
      at={at}
      tone={rank === 1 ? 'good' : 'accent'}
      words={words}
    />
  );
}

function ScoreInterval({ one, scale }: { one: RankedCandidate; scale: Scale | null }) {
  const { score, score_low: low, score_high: high } = one;
  if (!scale || score === null || low === null || high === null) return <span class="is-faint">–</span>;
  const words = `Score ${score.toFixed(3)}, with 90 % probability between ${low.toFixed(3)} and ${high.toFixed(3)}`;
  return (
    <span class="score-cell">
      <b>{score.toFixed(3)}</b>
      <IntervalBar
        low={low}
        high={high}
        value={score}
        at={scale.at}
        tone={one.rank === 1 ? 'good' : 'accent'}
        words={words}
      />
    </span>
  );
}

function Share({ value }: { value: number }) {
  return (
    <span class="share-cell" {...tip(ratio(value).exact)}>
      <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="share-rest" width="100" height="8" />
        <rect class="share-part" width={Math.max(value * 100, value > 0 ? 1.5 : 0)} height="8" />
      </svg>
      <span>{text(ratio(value))}</span>
    </span>
  );
}

function EstimateCell({ one, metric }: { one: RankedCandidate; metric: RankedMetricName }) {
  const { format } = RANKED_METRICS[metric];
  const estimate = estimateOf(one, metric);
  if (!estimate || estimate.value === null) return <span class="is-faint">–</span>;
  const shown = format(estimate.value);
  const evidence = text(count(Math.round(estimate.evidence_count)));
  return (
    <span {...tip(`${intervalWords(format, estimate)}, 90 % interval; from ${evidence} of its own`)}>
      {shown.value}
      {shown.unit && <span class="unit">{shown.unit}</span>}
    </span>
  );
}

function Chips({ one }: { one: RankedCandidate }) {
  return (
    <>
      {one.rank > 1 && one.is_tied_with_first && (
        <span class="rank-chip" {...tip('The evidence cannot tell it from the first.')}>
          tied with the first
        </span>
      )}
      {one.is_in_anomaly && (
        <span class="rank-chip is-warning" {...tip(one.anomaly || 'It does worse than usual.')}>
          <Icon name="anomaly" /> anomaly
        </span>
      )}
    </>
  );
}

export function RankTableSkeleton() {
  return (
    <section class="card rank-card" aria-hidden="true">
      <table class="rank-table is-skeleton">
        <Headings />
        <tbody>
          {Array.from({ length: SKELETON_ROWS }, (_, index) => (
            <tr class="rank-row" key={index}>
              {Array.from({ length: COLUMN_COUNT }, (_cell, column) => (
                <td key={column}>
                  <span class="skeleton">{column === 1 ? 'provider a-model-name' : '0.000'}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
