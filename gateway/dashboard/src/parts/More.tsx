// The way to older items of a list.
import type { Pages } from '../state/pages';

export function More({ pages }: { pages: Pick<Pages<unknown>, 'hasMore' | 'isAsking' | 'hasFailed' | 'more'> }) {
  if (!pages.hasMore) return null;
  return (
    <p class="list-more">
      <button type="button" class="button" disabled={pages.isAsking} onClick={pages.more}>
        {pages.isAsking ? 'Loading …' : 'Show more'}
      </button>
      {pages.hasFailed && <span role="alert"> They could not be had. Try again.</span>}
    </p>
  );
}
