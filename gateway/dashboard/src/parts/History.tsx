// What is over, page after page, the latest begun first.
import type { ComponentChildren } from 'preact';
import { usePages, type ListPage, type PagesQuestion } from '../state/pages';
import { EntriesSkeleton } from './Entries';
import { More } from './More';
import { Failure, State } from './State';

export type HistoryPage<T> = ListPage<T>;

interface HistoryProps<T> extends PagesQuestion<T> {
  children: (items: readonly T[]) => ComponentChildren;
}

export function History<T>({ children, ...question }: HistoryProps<T>) {
  const pages = usePages(question);
  const { items, error } = pages;
  return (
    <section class="card" aria-label="History" aria-busy={pages.isLoading}>
      <header class="list-header">
        <h2>History</h2>
        <p class="is-faint">the latest begun first</p>
      </header>
      {!items && !error && <EntriesSkeleton />}
      {error && !items && <Failure what="The history is not known now" error={error} onRetry={pages.reload} />}
      {items && items.length > 0 && children(items)}
      {items?.length === 0 && <State icon="check" title="None so far" />}
      <More pages={pages} />
    </section>
  );
}
