// What is over, page after page, the latest begun first.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAtMostEvery } from '../state/now';
import { useResource } from '../state/resource';
import { EntriesSkeleton } from './Entries';
import { Failure, State } from './State';

const REFRESH_EVERY_MS = 3_000;

export interface HistoryPage<T> {
  items: readonly T[];
  nextPageToken: string;
}

interface HistoryProps<T> {
  /** Names the question in full: for another one there is another component. */
  question: string;
  /** Changes when there may be something new. */
  changes: number;
  ask: (pageToken: string, signal?: AbortSignal) => Promise<HistoryPage<T>>;
  idOf: (item: T) => string;
  children: (items: readonly T[]) => ComponentChildren;
}

export function History<T>({ question, changes, ask, idOf, children }: HistoryProps<T>) {
  const first = useResource(`${question} ${useAtMostEvery(REFRESH_EVERY_MS, changes)}`, (signal) => ask('', signal));
  const [older, setOlder] = useState<readonly HistoryPage<T>[]>([]);
  const [isAsking, setAsking] = useState(false);
  const [hasFailed, setFailed] = useState(false);

  const token = (older.at(-1) ?? first.data)?.nextPageToken ?? '';
  const more = (): void => {
    setAsking(true);
    setFailed(false);
    ask(token)
      .then((page) => setOlder((pages) => [...pages, page]))
      .catch(() => setFailed(true))
      .finally(() => setAsking(false));
  };
  // A newer first page moves some to the second, which has them already.
  const found = [first.data, ...older].flatMap((page) => page?.items ?? []);
  const shown = [...new Map(found.map((item) => [idOf(item), item])).values()];
  return (
    <section class="card" aria-label="History" aria-busy={first.isLoading}>
      <header class="list-header">
        <h2>History</h2>
        <p class="is-faint">the latest begun first</p>
      </header>
      {!first.data && !first.error && <EntriesSkeleton />}
      {first.error && !first.data && (
        <Failure what="The history is not known now" error={first.error} onRetry={first.reload} />
      )}
      {shown.length > 0 && children(shown)}
      {first.data && shown.length === 0 && <State icon="check" title="None so far" />}
      {token && (
        <p class="list-more">
          <button type="button" class="button" disabled={isAsking} onClick={more}>
            {isAsking ? 'Loading …' : 'Show more'}
          </button>
          {hasFailed && <span role="alert"> They could not be had. Try again.</span>}
        </p>
      )}
    </section>
  );
}
