// What reports recommend, and what became of it.
import { useState } from 'preact/hooks';
import type { Recommendation, RecommendationState } from '../../api/model';
import { decideRecommendation, listRecommendations } from '../../api/reports';
import { shortInstant } from '../../format/time';
import { RECOMMENDATION_STATES } from '../../metrics/reports';
import { EntriesSkeleton } from '../../parts/Entries';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { useAction } from '../../state/action';
import { newsCounts } from '../../state/news';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf } from '../../state/view';
import '../../parts/entries.css';
import './reports.css';

/** From each state where one may go, and what the button says. */
const STEPS: Readonly<Record<RecommendationState, readonly (readonly [RecommendationState, string])[]>> = {
  OPEN: [
    ['ACCEPTED', 'Accept'],
    ['REJECTED', 'Reject'],
  ],
  ACCEPTED: [
    ['DONE', 'Done'],
    ['OPEN', 'Reopen'],
  ],
  REJECTED: [['OPEN', 'Reopen']],
  DONE: [['OPEN', 'Reopen']],
};

/** Those of a report, or of all of them. */
export function Recommendations({ reportId = '' }: { reportId?: string }) {
  const pages = usePages({
    question: project.value,
    // Reports bring them, and others decide on them.
    changes: nowMs.value + newsCounts.value.reports,
    ask: async (pageToken, signal) => {
      const page = await listRecommendations(project.value, null, pageToken, signal);
      return { items: page.recommendations, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.recommendation_id,
  });
  const { error } = pages;
  const items = pages.items && pages.items.filter((one) => !reportId || one.report_id === reportId);
  if (reportId && items?.length === 0 && !pages.hasMore) return null;
  return (
    <section class="card" aria-label="Recommendations" aria-busy={!items && !error}>
      {reportId && (
        <header class="list-header">
          <h2>Recommendations</h2>
        </header>
      )}
      {items && items.length > 0 && (
        <ul class="entries recommendations">
          {items.map((one) => (
            <RecommendationEntry key={one.recommendation_id} one={one} hasLink={!reportId} onChange={pages.reload} />
          ))}
        </ul>
      )}
      {items?.length === 0 && !pages.hasMore && (
        <State icon="check" title="Nothing is recommended">
          <p>Reports recommend only what the data carry; without such a thing they are silent.</p>
        </State>
      )}
      {!items && !error && <EntriesSkeleton />}
      {!items && error && <Failure what="Recommendations are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}

interface EntryProps {
  one: Recommendation;
  hasLink: boolean;
  onChange: () => void;
}

function wordsOf(content: Recommendation['content'], name: string): string {
  const value: unknown = content[name];
  return typeof value === 'string' ? value : '';
}

function RecommendationEntry({ one, hasLink, onChange }: EntryProps) {
  const [comment, setComment] = useState('');
  const { isBusy, error, run } = useAction();
  const decide = (state: RecommendationState): void =>
    void run(async () => {
      await decideRecommendation(project.value, one.recommendation_id, state, comment);
      setComment('');
      onChange();
    });
  const undo = wordsOf(one.content, 'undo');
  return (
    <li class="entry recommendation">
      <span class={`report-period is-${one.state.toLowerCase()}`}>{RECOMMENDATION_STATES[one.state]}</span>
      <div class="entry-what">
        <b class="recommendation-title">{one.title}</b>
        <p class="report-line">{wordsOf(one.content, 'text')}</p>
        {undo && <p class="report-line is-faint">To undo it: {undo}</p>}
        <p class="entry-facts">
          {wordsOf(one.content, 'confidence') && <span>confidence {wordsOf(one.content, 'confidence')}</span>}
          <span>first said {shortInstant(Date.parse(one.create_time), timeZone.value, nowMs.value)}</span>
          {hasLink && (
            <span>
              <a href={addressOf(`/reports/${encodeURIComponent(one.report_id)}`)}>the report</a>
            </span>
          )}
          {one.comment && <span>“{one.comment}”</span>}
        </p>
        {mayOperate.value && (
          <p class="recommendation-actions">
            <input
              class="input"
              placeholder="Why, if there is something to say"
              aria-label={`A comment on: ${one.title}`}
              maxLength={1_024}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
            {STEPS[one.state].map(([state, words]) => (
              <button type="button" class="button" key={state} disabled={isBusy} onClick={() => decide(state)}>
                {words}
              </button>
            ))}
            {error && (
              <span class="is-bad" role="alert">
                {error.message}
              </span>
            )}
          </p>
        )}
      </div>
    </li>
  );
}
