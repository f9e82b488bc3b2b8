// A list that is read page after page: its first page is kept fresh, older ones are asked for when somebody wants them.
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../api/client';
import { useAtMostEvery } from './now';
import { useResource } from './resource';

const REFRESH_EVERY_MS = 3_000;

export interface ListPage<T> {
  items: readonly T[];
  nextPageToken: string;
}

export interface PagesQuestion<T> {
  /** Names the question in full. */
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

export function usePages<T>({ question, changes, ask, idOf }: PagesQuestion<T>): Pages<T> {
  const first = useResource(`${question} ${useAtMostEvery(REFRESH_EVERY_MS, changes)}`, async (signal) => ({
    question,
    page: await ask('', signal),
  }));
  const [older, setOlder] = useState<readonly ListPage<T>[]>([]);
  const [isAsking, setAsking] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    setOlder([]);
    setFailed(false);
  }, [question]);

  const page = first.data?.question === question ? first.data.page : null;
  const token = (older.at(-1) ?? page)?.nextPageToken ?? '';
  const more = (): void => {
    setAsking(true);
    setFailed(false);
    ask(token)
      .then((next) => setOlder((pages) => [...pages, next]))
      .catch(() => setFailed(true))
      .finally(() => setAsking(false));
  };
  // A newer first page moves some to the second, which has them already.
  const found = page && [page, ...older].flatMap(({ items }) => items);
  const items = found && [...new Map(found.map((item) => [idOf(item), item])).values()];
  const { error, isLoading, reload } = first;
  return { items, error, isLoading, hasMore: token !== '', isAsking, hasFailed, more, reload };
}
