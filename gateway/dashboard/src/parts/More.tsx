// The way to older items of a list; and whether those that are shown are the latest.
import type { Pages } from '../state/pages';

type MorePages = Pick<Pages<unknown>, 'items' | 'error' | 'hasMore' | 'isAsking' | 'hasFailed' | 'more'>;

export function More({ pages }: { pages: MorePages }) {
  const { items, error } = pages;
  return (
    <>
      {items && error && (
        <p class="list-more is-bad" role="alert">
          Not up to date: {error.message}
        </p>
      )}
      {pages.hasMore && (
        <p class="list-more">
          <button type="button" class="button" disabled={pages.isAsking} onClick={pages.more}>
            {pages.isAsking ? 'Loading …' : 'Show more'}
          </button>
          {pages.hasFailed && <span role="alert"> They could not be had. Try again.</span>}
        </p>
      )}
    </>
  );
}
