// Single scores, the worst or the latest first: what each is made of, and what took something off it.
import { useState } from 'preact/hooks';
import { getQuality, listQuality, type QualityOrder, type QualityQuery } from '../../api/quality';
import type { Quality, QualityFinding } from '../../api/model';
import { plural, ratio, score, signed, text } from '../../format/format';
import { shortInstant } from '../../format/time';
import { scopeWords } from '../../metrics/anomalies';
import { COMPONENTS, placeOf } from '../../metrics/quality';
import { EntriesSkeleton } from '../../parts/Entries';
import { FacetTabs } from '../../parts/Facets';
import { IntervalBar } from '../../parts/IntervalBar';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import { addressOf, view } from '../../state/view';
import '../../parts/entries.css';

const PAGE_SIZE = 10;
const ORDERS = [
  ['', 'Worst'],
  ['latest', 'Latest'],
] as const;

interface ScoresProps {
  question: string;
  query: QualityQuery;
  changes: number;
}

export function Scores({ question, query, changes }: ScoresProps) {
  const order: QualityOrder = view.value.facets.state === 'latest' ? 'latest_first' : 'worst_first';
  const pages = usePages({
    question: `${question} ${order}`,
    changes,
    ask: async (pageToken, signal) => {
      const page = await listQuality(query, order, PAGE_SIZE, pageToken, signal);
      return { items: page.qualities, nextPageToken: page.next_page_token };
    },
    idOf: idOf,
  });
  const { items, error } = pages;
  return (
    <section class="card" aria-label="Scores" aria-busy={!items && !error}>
      <header class="list-header">
        <h2>Scores</h2>
        <FacetTabs facet="state" label="Which first" choices={ORDERS} />
        <p class="is-faint">with what cost them most</p>
      </header>
      {items && items.length > 0 && (
        <ul class="entries scores">
          {items.map((one) => (
            <ScoreEntry key={idOf(one)} one={one} />
          ))}
        </ul>
      )}
      {items?.length === 0 && <State icon="check" title="No scores" />}
      {!items && !error && <EntriesSkeleton />}
      {!items && error && <Failure what="The scores are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}

const idOf = (one: Quality): string => (one.task_id ? `task ${one.task_id}` : `call ${one.call_id ?? ''}`);

function ScoreEntry({ one }: { one: Quality }) {
  const [isOpen, setOpen] = useState(false);
  const shown = one.findings;
  return (
    <li class="entry score-entry">
      <ScoreBar one={one} />
      <div class="entry-what">
        <Subject one={one} />
        <Components one={one} />
        {!isOpen && shown.length > 0 && <Findings findings={shown} />}
        {isOpen && <Whole one={one} />}
        {one.finding_count > shown.length && (
          <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'The most costly alone' : `All ${plural(one.finding_count, 'finding')}`}
          </button>
        )}
      </div>
      <p class="entry-when">
        {one.start_time && <b>{shortInstant(Date.parse(one.start_time), timeZone.value, nowMs.value)}</b>}
        <span {...tip(`Weights ${one.weights_version}, readers ${one.reader_version}, change ${one.version}`)}>
          {plural(one.evidence_count, 'piece')} of evidence
        </span>
      </p>
    </li>
  );
}

function ScoreBar({ one: { score_ratio: value, low_ratio: low, high_ratio: high } }: { one: Quality }) {
  if (value === null) return <span class="is-faint">not read</span>;
  const words = `${text(score(value))}, with 90 % probability between ${text(score(low))} and ${text(score(high))}`;
  return (
    <span class="score-bar">
      <b {...tip(score(value).exact)}>{value.toFixed(2)}</b>
      <IntervalBar low={low ?? value} high={high ?? value} value={value} at={(ratio) => ratio} words={words} />
    </span>
  );
}

function Subject({ one }: { one: Quality }) {
  const kind = one.task_id ? 'Task' : 'Call';
  const id = one.task_id ?? one.call_id ?? '';
  const where = one.key ? scopeWords(one.key) : 'its calls are not known yet';
  const filters = one.task_id ? { search: one.task_id } : {};
  const address = one.task_id ? addressOf('/calls', filters) : addressOf(`/calls/${encodeURIComponent(id)}`);
  return (
    <p class="score-subject">
      {kind} <a href={address}>{id}</a> <span class="is-faint">{where}</span>
    </p>
  );
}

function Components({ one: { components } }: { one: Quality }) {
  return (
    <ul class="score-components">
      {components.map(
        ({ component, score_ratio: value, share_ratio: share, evidence_count: pieces, missing_reason: missing }) => (
          <li
            key={component}
            class={value === null ? 'is-missing' : ''}
            {...tip(missing || `counts for ${text(ratio(share))}, from ${plural(pieces, 'piece')} of evidence`)}
          >
            {COMPONENTS[component].label} <b>{value === null ? 'not read' : value.toFixed(2)}</b>
          </li>
        ),
      )}
    </ul>
  );
}

function Whole({ one }: { one: Quality }) {
  const { data, error, reload } = useResource(`${project.value} ${idOf(one)} ${one.version}`, (signal) =>
    getQuality(project.value, one, signal),
  );
  if (error) return <Failure what="The explanation is not known now" error={error} onRetry={reload} />;
  return <Findings findings={data?.findings ?? one.findings} />;
}

function Findings({ findings }: { findings: readonly QualityFinding[] }) {
  return (
    <ul class="findings">
      {findings.map((one, index) => (
        <li key={index}>
          <span class="finding-cost" {...tip(`Took ${text(ratio(one.cost_ratio))} of the scale off the score`)}>
            {signed(-one.cost_ratio, 3)}
          </span>
          <span class="finding-what">
            {one.message || one.rule} {one.message && one.rule && <span class="is-faint">{one.rule}</span>}
          </span>
          {placeOf(one) && <code>{placeOf(one)}</code>}
        </li>
      ))}
    </ul>
  );
}
