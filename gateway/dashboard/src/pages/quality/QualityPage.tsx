// How good the answers are: components by provider and task, the trend, and the worst with what made them so.
import { useEffect } from 'preact/hooks';
import { summarizeQuality, type QualityQuery } from '../../api/quality';
import { plural } from '../../format/format';
import { FilterChips } from '../../parts/FilterChips';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { connection, useConnection } from '../../state/connection';
import { newsCounts } from '../../state/news';
import { nowMs, useAtMostEvery } from '../../state/now';
import { stepsOf, type Range } from '../../state/ranges';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';
import { view } from '../../state/view';
import { ComponentTable } from './ComponentTable';
import './quality.css';
import { QualityTrend } from './QualityTrend';
import { Scores } from './Scores';

// Scores come one by one; sums over a week need not.
const REFRESH_EVERY_MS = 10_000;
const ROUND_MS = 60_000;
// Windows of a minute would hold a score each.
const STEP_LEAST_S = 900;

function timeOf(range: Range): { startMs: number; endMs: number } {
  if (range.kind === 'fixed') return range;
  const endMs = Math.ceil(nowMs.value / ROUND_MS) * ROUND_MS;
  return { startMs: endMs - range.range_s * 1_000, endMs };
}

export default function QualityPage() {
  useConnection();
  const { range, filters } = view.value;
  const query: QualityQuery = { project: project.value, filters, ...timeOf(range) };
  const step_s = Math.max(STEP_LEAST_S, stepsOf(range).step_s);
  const changes = useAtMostEvery(REFRESH_EVERY_MS, newsCounts.value.scores);
  const question = JSON.stringify([query.project, filters, range]);
  const moment = range.kind === 'fixed' ? '' : `${query.endMs} ${changes}`;
  const ask = async (signal: AbortSignal) => {
    const [groups, whole, trend] = await Promise.all([
      summarizeQuality(query, ['provider', 'task_type'], null, signal),
      summarizeQuality(query, [], null, signal),
      summarizeQuality(query, [], step_s, signal),
    ]);
    return {
      question,
      query,
      step_s,
      groups: groups.summaries,
      whole: whole.summaries[0] ?? null,
      trend: trend.summaries,
    };
  };
  const summary = useResource(question, ask, moment);
  useEffect(() => {
    document.title = `Quality · ${project.value} · Assay`;
  }, [project.value]);

  // While the answer to a narrower question is on its way, the one before stays; but never another project's.
  const known = summary.data?.query.project === project.value ? summary.data : null;
  const isEmpty = known?.groups.length === 0;
  return (
    <>
      <Trouble error={known && summary.error ? summary.error.message : ''} />
      <main
        class={`page quality${connection.value === 'stale' ? ' is-stale' : ''}`}
        aria-busy={known?.question !== question && !summary.error}
      >
        <header class="page-header">
          <h1 class="page-title">Quality</h1>
          <p class="is-faint" role="status">
            {known?.whole && `${plural(known.whole.score_count, 'score')} of calls and tasks`}
          </p>
        </header>
        <FilterChips />
        {!known && summary.error && (
          <div class="card">
            <Failure what="Quality is not known now" error={summary.error} onRetry={summary.reload} />
          </div>
        )}
        {!known && !summary.error && <div class="card quality-waiting" />}
        {isEmpty && (
          <div class="card">
            <State icon="quality" title="No scores in this range">
              <p>Answers are scored from evidence: evaluations, feedback, tests, coverage, code. None came in.</p>
            </State>
          </div>
        )}
        {known && !isEmpty && (
          <>
            <ComponentTable groups={known.groups} whole={known.whole} />
            <QualityTrend trend={known.trend} query={known.query} step_s={known.step_s} />
            <Scores question={known.question} query={known.query} changes={changes} />
          </>
        )}
      </main>
    </>
  );
}
