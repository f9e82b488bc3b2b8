// What was recommended, and from when on: a ranking is kept when another choice is recommended than the time before.
import type { KeptRanking } from '../../api/model';
import { listRankings } from '../../api/rankings';
import { ratio, text } from '../../format/format';
import { shortInstant } from '../../format/time';
import { questionWords } from '../../metrics/rankings';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { project, timeZone } from '../../state/session';
import { addressOf, view } from '../../state/view';

const PAGE_SIZE = 8;

export function KeptRankings({ taskType, changes }: { taskType: string; changes: number }) {
  const pages = usePages({
    question: JSON.stringify([project.value, taskType]),
    changes,
    ask: async (pageToken, signal) => {
      const page = await listRankings(project.value, taskType, PAGE_SIZE, pageToken, signal);
      return { items: page.rankings, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.ranking.ranking_id + one.make_time,
  });
  const { items, error } = pages;
  return (
    <section class="card" aria-label="History">
      <header class="list-header">
        <h2>History</h2>
        <p class="is-faint">when another choice was recommended</p>
      </header>
      {items && items.length > 0 && (
        <ul class="kept-list">
          {items.map((one) => (
            <KeptEntry key={one.ranking.ranking_id + one.make_time} kept={one} />
          ))}
        </ul>
      )}
      {items?.length === 0 && <State icon="podium" title="Nothing else was recommended so far" />}
      {!items && error && <Failure what="The history is not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}

function KeptEntry({ kept: { make_time: made, question, ranking } }: { kept: KeptRanking }) {
  const first = ranking.candidates[0];
  const { facets, filters } = view.value;
  return (
    <li>
      <a class="kept-time" href={addressOf('/rankings', { filters, facets: { ...facets, kept: ranking.ranking_id } })}>
        {shortInstant(Date.parse(made), timeZone.value, nowMs.value)}
      </a>
      <span class="rank-name">
        {first ? (
          <>
            <b>{first.candidate.provider}</b> {first.candidate.model}
          </>
        ) : (
          'nobody'
        )}
      </span>
      <span class="is-faint">
        {questionWords(question)}
        {first && `, best with ${text(ratio(first.probability_best))}`}
      </span>
    </li>
  );
}
