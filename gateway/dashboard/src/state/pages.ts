// A list that is read page after page. What is shown of it is kept fresh, older pages are asked for when somebody wants them.
import { useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/client';
import { useAtMostEvery } from './now';
import { useResource } from './resource';

// So often for each page that is shown, since all of them are read again: what has moved on may have moved from page to page.
const REFRESH_EVERY_MS = 3_000;

export interface ListPage<T> {
  items: readonly T[];
  nextPageToken: string;
}

export interface PagesQuestion<T> {
  /** Names the question in full; the installation's own lists have an empty one. */
  question: string;
  /** Changes when there may be something new. */
  changes: number;
  ask: (pageToken: string, signal?: AbortSignal) => Promise<ListPage<T>>;
  idOf: (item: T) => string;
}

export interface Pages<T> {
  /** Null until there is an answer. */
  items: readonly T[] | null;
  /** Why there is no newer one, if so. */
  error: ApiError | null;
  isLoading: boolean;
  hasMore: boolean;
  isAsking: boolean;
  /** Whether the older ones could not be had. */
  hasFailed: boolean;
  more: () => void;
  reload: () => void;
}

/** Pages that were read one after the other, and when: none of them is older than the first. */
interface Read<T> {
  question: string;
  moment: number;
  pages: readonly ListPage<T>[];
}

export function usePages<T>({ question, changes, ask, idOf }: PagesQuestion<T>): Pages<T> {
  const [wanted, setWanted] = useState({ question, count: 1 });
  const count = wanted.question === question ? wanted.count : 1;
  const moment = useAtMostEvery(REFRESH_EVERY_MS * count, changes);
  const latest = useRef<Read<T> | null>(null);
  const { data, error, isLoading, reload } = useResource(
    `pages of ${question}`,
    async (signal): Promise<Read<T>> => {
      const isOlderWanted = latest.current?.question === question && latest.current.moment === moment;
      const pages = isOlderWanted ? [...latest.current!.pages] : [];
      for (let token = pages.at(-1)?.nextPageToken ?? ''; pages.length < count; token = pages.at(-1)!.nextPageToken) {
        if (pages.length > 0 && !token) break;
        pages.push(await ask(token, signal));
      }
      latest.current = { question, moment, pages };
      return latest.current;
    },
    `${moment} ${count}`,
  );

  const pages = data?.question === question ? data.pages : null;
  const isWaiting = pages !== null && pages.length < count && pages.at(-1)!.nextPageToken !== '';
  // What came in between two pages has moved the end of the one to the beginning of the other.
  const items = pages && new Map(pages.flatMap((page) => page.items).map((item) => [idOf(item), item]));
  return {
    items: items && [...items.values()],
    error: isWaiting ? null : error,
    isLoading,
    hasMore: Boolean(pages?.at(-1)?.nextPageToken),
    isAsking: isWaiting && isLoading,
    hasFailed: isWaiting && error !== null && !isLoading,
    more: () => (isWaiting ? reload() : setWanted({ question, count: count + 1 })),
    reload: () => {
      latest.current = null;
      reload();
    },
  };
}
