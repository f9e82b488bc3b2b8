// Whether one version of a prompt is better than another: verdicts that may be looked at every day, and what they rest on.
import { useEffect } from 'preact/hooks';
import { comparePrompts, listPrompts, rankPrompts, type PromptQuery } from '../../api/prompts';
import type { Prompt, PromptComparison, PromptMetricName } from '../../api/model';
import { plural } from '../../format/format';
import { dayMonth, shortInstant } from '../../format/time';
import { baselineFacet, baselineOf, PROMPT_METRIC_NAMES } from '../../metrics/prompts';
import { EntriesSkeleton } from '../../parts/Entries';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useConnection } from '../../state/connection';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { changeView, view } from '../../state/view';
import { EffectCards } from './EffectCards';
import './prompts.css';
import { VerdictTable } from './VerdictTable';

// Comparisons move slowly, and each sums up all windows since the prompt's first call.
const REFRESH_EVERY_MS = 60_000;

function useAnswers(query: PromptQuery, baseline: string | null, metric: PromptMetricName) {
  const round = Math.floor(nowMs.value / REFRESH_EVERY_MS);
  const asked = query.promptName && JSON.stringify([query, baseline, round]);
  const comparison = useResource(asked, async (signal) => ({
    query: JSON.stringify([query, baseline]),
    answer: await comparePrompts(query, baseline, signal),
  }));
  const ranking = useResource(asked && `${asked} ${metric}`, async (signal) => ({
    query: JSON.stringify([query, metric]),
    answer: await rankPrompts(query, metric, signal),
  }));
  return {
    comparison,
    known: comparison.data?.query === JSON.stringify([query, baseline]) ? comparison.data.answer : null,
    order: ranking.data?.query === JSON.stringify([query, metric]) ? ranking.data.answer : null,
  };
}

export default function Prompts() {
  useConnection();
  const prompts = useResource(project.value, (signal) => listPrompts(project.value, signal));
  const { filters, facets } = view.value;
  const promptName = filters.prompt_name?.[0] ?? prompts.data?.prompts[0]?.prompt_name ?? '';
  const taskType = filters.task_type?.[0] ?? '';
  const metric = PROMPT_METRIC_NAMES.find((name) => name === facets.metric) ?? 'QUALITY';
  const query = { project: project.value, promptName, taskType };
  const { comparison, known, order } = useAnswers(query, baselineOf(facets.baseline), metric);
  useEffect(() => {
    document.title = `${promptName || 'Prompts'} · ${project.value} · Assay`;
  }, [promptName, project.value]);

  const isEmpty = prompts.data?.prompts.length === 0 && !promptName;
  const failed = comparison.error ?? prompts.error;
  const retry = (): void => {
    if (prompts.error) prompts.reload();
    comparison.reload();
  };
  const prompt = prompts.data?.prompts.find((one) => one.prompt_name === promptName) ?? null;
  return (
    <>
      <Trouble error={known && comparison.error ? comparison.error.message : ''} />
      <main class="page prompts" aria-busy={!known && !failed && !isEmpty}>
        <header class="page-header">
          <h1 class="page-title">Prompts</h1>
          {!isEmpty && (
            <Pickers prompts={prompts.data?.prompts ?? []} prompt={prompt} comparison={known} name={promptName} />
          )}
          <Evidence comparison={known} />
        </header>
        {isEmpty && (
          <div class="card">
            <State icon="prompt" title="No prompts yet">
              <p>Calls that name their prompt_name and prompt_version can be compared here.</p>
            </State>
          </div>
        )}
        {!isEmpty && !known && !failed && (
          <div class="card">
            <EntriesSkeleton />
          </div>
        )}
        {!known && failed && (
          <div class="card">
            <Failure what="The comparison is not known now" error={failed} onRetry={retry} />
          </div>
        )}
        {known && known.versions.length === 0 && (
          <div class="card">
            <State icon="prompt" title="Nothing to compare yet">
              <p>{known.empty_reason}</p>
            </State>
          </div>
        )}
        {known && known.versions.length > 0 && (
          <>
            <VerdictTable comparison={known} order={order} metric={metric} />
            <EffectCards comparison={known} metric={metric} />
          </>
        )}
      </main>
    </>
  );
}

interface PickersProps {
  prompts: readonly Prompt[];
  prompt: Prompt | null;
  comparison: PromptComparison | null;
  name: string;
}

function Pickers({ prompts, prompt, comparison, name }: PickersProps) {
  const { filters, facets } = view.value;
  const tasks = [...new Set((prompt?.versions ?? []).flatMap((version) => version.task_types))];
  const { baseline, ...others } = facets;
  const chosen = baselineOf(baseline) ?? comparison?.baseline?.prompt_version ?? '';
  const versions = prompt?.versions.map((version) => version.prompt_version) ?? [];
  const pick = (promptName: string): void => changeView({ filters: { prompt_name: [promptName] }, facets: others });
  return (
    <>
      <select
        class="select prompts-name"
        aria-label="Prompt"
        value={name}
        onChange={(event) => pick(event.currentTarget.value)}
      >
        {!prompt && <option value={name}>{name}</option>}
        {prompts.map((one) => (
          <option key={one.prompt_name} value={one.prompt_name}>
            {one.prompt_name} · {plural(one.versions.length, 'version')}, {plural(one.call_count, 'call')}
          </option>
        ))}
      </select>
      <select
        class="select"
        aria-label="Kind of task"
        value={filters.task_type?.[0] ?? ''}
        onChange={({ currentTarget: { value } }) =>
          changeView({ filters: { prompt_name: [name], ...(value ? { task_type: [value] } : {}) } })
        }
      >
        <option value="">All tasks, each within itself</option>
        {tasks.map((task) => (
          <option key={task} value={task}>
            {task}
          </option>
        ))}
      </select>
      <label class="prompts-baseline">
        against
        <select
          class="select"
          value={chosen}
          onChange={({ currentTarget: { value } }) =>
            changeView({ facets: { ...others, baseline: baselineFacet(value) } })
          }
        >
          {!versions.includes(chosen) && <option value={chosen}>{chosen}</option>}
          {versions.map((version) => (
            <option key={version} value={version}>
              {version || '(no version)'}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function Evidence({ comparison }: { comparison: PromptComparison | null }) {
  if (!comparison?.start_time) return null;
  const zone = timeZone.value;
  return (
    <p class="is-faint prompts-evidence" role="status">
      calls since {dayMonth(Date.parse(comparison.start_time), zone)}
      {comparison.as_of_time && ` until ${shortInstant(Date.parse(comparison.as_of_time), zone, nowMs.value)}`}
    </p>
  );
}
