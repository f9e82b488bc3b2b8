// Who is best for a kind of task: the ranking with how sure it is, what is traded off, and who is left out.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { getMetrics } from '../../api/client';
import type { Ranking } from '../../api/model';
import { getKeptRanking, rankProviders, type RankingQuery } from '../../api/rankings';
import { plural } from '../../format/format';
import { instant, shortInstant } from '../../format/time';
import { RANKING_COLUMNS } from '../../metrics/csv-columns';
import { boundsOf, questionWords } from '../../metrics/rankings';
import { Away } from '../../parts/Away';
import { Icon } from '../../parts/Icon';
import { SaveCsv } from '../../parts/SaveCsv';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { anomalies } from '../../state/anomalies';
import { useConnection } from '../../state/connection';
import { newsCounts } from '../../state/news';
import { nowMs, useAtMostEvery } from '../../state/now';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';
import { Backtest } from './Backtest';
import { Constraints } from './Constraints';
import { KeptRankings } from './KeptRankings';
import { LeftOut } from './LeftOut';
import { Objectives } from './Objectives';
import { RankTable, RankTableSkeleton } from './RankTable';
import { TradeOffChart } from './TradeOffChart';
import './rankings.css';

// The same evidence that rankings rest on.
const TASKS_START = '-30d';
// Fast enough that a slider feels as if it moved the ranking itself.
const QUESTION_EVERY_MS = 150;

export interface TaskType {
  name: string;
  callCount: number;
}

async function taskTypes(signal: AbortSignal): Promise<TaskType[]> {
  const question = {
    project: project.value,
    start: TASKS_START,
    time_zone: 'UTC',
    group_by: ['task_type'],
    filters: {},
  };
  const { series } = await getMetrics(question, signal);
  const found = series.map(({ key, windows }) => ({
    name: key.task_type ?? '',
    callCount: windows[0]?.call_count ?? 0,
  }));
  return found.filter(({ name }) => name).sort((a, b) => b.callCount - a.callCount || (a.name < b.name ? -1 : 1));
}

function questionOf(taskType: string): RankingQuery {
  const { facets } = view.value;
  const isWeighted = facets.objective === 'weights';
  return {
    project: project.value,
    taskType,
    objective: isWeighted ? '' : (facets.objective ?? ''),
    weights: isWeighted ? (facets.weights ?? '') : '',
    bounds: boundsOf(facets),
  };
}

export default function Rankings() {
  useConnection();
  const { kept } = view.value.facets;
  return kept ? <Kept key={kept} rankingId={kept} /> : <Now />;
}

/** What was recommended from some moment on. */
function Kept({ rankingId }: { rankingId: string }) {
  const { data, error, reload } = useResource(`${project.value} ${rankingId}`, (signal) =>
    getKeptRanking(project.value, rankingId, signal),
  );
  useEffect(() => {
    document.title = `Ranking kept · ${project.value} · Assay`;
  }, [project.value]);
  const { kept: _, ...facets } = view.value.facets;
  return (
    <>
      <Trouble error="" />
      <main class="page rankings" aria-busy={!data && !error}>
        <header class="page-header">
          <h1 class="page-title">{data ? `Ranking for ${data.ranking.task_type}` : 'Ranking'}</h1>
        </header>
        {data && (
          <p class="note rankings-kept" role="status">
            <Icon name="info" /> As it was from {instant(Date.parse(data.make_time), timeZone.value)} on, asked for{' '}
            {questionWords(data.question)}.
            <button type="button" class="button" onClick={() => changeView({ facets })}>
              As it is now
            </button>
          </p>
        )}
        {!data && !error && <RankTableSkeleton />}
        {!data && error && (
          <div class="card">
            <Failure what="This ranking is not known" error={error} onRetry={reload} />
          </div>
        )}
        {data && <Answer ranking={data.ranking} />}
      </main>
    </>
  );
}

function Now() {
  const tasks = useResource(project.value, taskTypes);
  const chosen = view.value.filters.task_type?.[0] ?? tasks.data?.[0]?.name ?? '';
  const query = questionOf(chosen);
  const asked = useAtMostEvery(QUESTION_EVERY_MS, JSON.stringify(query));
  const live = anomalies.value?.project === project.value ? anomalies.value : null;
  // It moves with the evidence, and at once with an anomaly and with another recommendation.
  const moment = `${nowMs.value} ${live?.changeCount ?? 0} ${newsCounts.value.rankings}`;
  const ranking = useResource(chosen && asked, (signal) => rankProviders(query, signal), moment);
  useEffect(() => {
    document.title = `Ranking${chosen && ` for ${chosen}`} · ${project.value} · Assay`;
  }, [chosen, project.value]);

  const isEmpty = tasks.data?.length === 0 && !chosen;
  const known = ranking.data?.task_type === chosen ? ranking.data : null;
  const failed = ranking.error ?? tasks.error;
  const retry = (): void => {
    if (tasks.error) tasks.reload();
    ranking.reload();
  };
  return (
    <>
      <Trouble error={known && ranking.error ? ranking.error.message : ''} />
      <main class="page rankings" aria-busy={!known && !failed && !isEmpty}>
        <header class="page-header">
          <h1 class="page-title">Rankings</h1>
          <TaskPicker tasks={tasks.data ?? []} chosen={chosen} />
          <Objectives />
          <Freshness ranking={known} />
          <SaveCsv name={`ranking-${chosen}`} columns={RANKING_COLUMNS} rows={known?.candidates ?? []} />
        </header>
        <Constraints />
        <Away service="analyzer" isAway={live?.isCurrent === false} />
        {known?.is_stale && (
          <p class="note is-warning" role="alert">
            <Icon name="warning" /> No new calls have come in for a while: this is the last good ranking.
          </p>
        )}
        {isEmpty && (
          <div class="card">
            <State icon="podium" title="Nothing to rank yet">
              <p>Rankings begin with the first calls that name their task_type.</p>
            </State>
          </div>
        )}
        {!isEmpty && !known && !failed && <RankTableSkeleton />}
        {!known && failed && (
          <div class="card">
            <Failure what="The ranking is not known now" error={failed} onRetry={retry} />
          </div>
        )}
        {known && (
          <Answer ranking={known}>
            <KeptRankings key={chosen} taskType={chosen} changes={newsCounts.value.rankings} />
          </Answer>
        )}
        {known && <Backtest key={JSON.stringify(query)} query={query} />}
      </main>
    </>
  );
}

function Answer({ ranking, children }: { ranking: Ranking; children?: ComponentChildren }) {
  const { candidates, left_out: leftOut } = ranking;
  return (
    <>
      {candidates.length > 0 ? (
        <RankTable ranking={ranking} />
      ) : (
        <div class="card">
          <State icon="podium" title="Nobody is ranked">
            <p>{ranking.empty_reason}</p>
          </State>
        </div>
      )}
      <div class="rankings-lower">
        {candidates.length > 0 && <TradeOffChart candidates={candidates} />}
        <div class="rankings-aside">
          <LeftOut leftOut={leftOut} />
          {children}
        </div>
      </div>
    </>
  );
}

function TaskPicker({ tasks, chosen }: { tasks: readonly TaskType[]; chosen: string }) {
  const isListed = tasks.some(({ name }) => name === chosen);
  return (
    <select
      class="select rankings-task"
      aria-label="Kind of task"
      value={chosen}
      onChange={(event) => changeView({ filters: { task_type: [event.currentTarget.value] } })}
    >
      {chosen && !isListed && <option value={chosen}>{chosen}</option>}
      {tasks.map(({ name, callCount }) => (
        <option key={name} value={name}>
          {name} · {plural(callCount, 'call')}
        </option>
      ))}
    </select>
  );
}

function Freshness({ ranking }: { ranking: Ranking | null }) {
  if (!ranking) return null;
  const zone = timeZone.value;
  return (
    <p class="is-faint rankings-fresh" role="status">
      {plural(ranking.candidates.length, 'candidate')}
      {ranking.as_of_time && `, calls until ${shortInstant(Date.parse(ranking.as_of_time), zone, nowMs.value)}`}
    </p>
  );
}
