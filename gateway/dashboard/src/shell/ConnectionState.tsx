// Whether the numbers are of now: told by word, by shape and by colour.
import { duration, text } from '../format/format';
import { clock } from '../format/time';
import { tip } from '../parts/Tooltip';
import { DEFINITIONS } from '../definitions';
import { connection, lag_s, liveUntilMs, type Connection } from '../state/connection';
import { timeZone } from '../state/session';
import { view } from '../state/view';

const WORDS: Record<Connection, string> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  stale: 'Stale',
};

export function ConnectionState() {
  const state = connection.value;
  const isHistory = state === 'live' && view.value.range.kind === 'fixed';
  const since = liveUntilMs.value ? clock(liveUntilMs.value, timeZone.value) : '';
  const lag = lag_s.value === null ? '' : text(duration(Math.max(0, lag_s.value)));
  const explanation = since
    ? `No connection since ${since}. The page keeps trying and shows the last numbers it has.`
    : isHistory
      ? 'A range that was picked does not move. The ledger is live.'
      : `Numbers arrive by themselves. Lag: ${DEFINITIONS.lag}`;
  return (
    <p class={`connection is-${isHistory ? 'history' : state}`} {...tip(explanation)} tabIndex={0}>
      <span class="connection-mark" aria-hidden="true" />
      <span role="status">{isHistory ? 'History' : WORDS[state]}</span>
      <span class="connection-detail">{since ? `since ${since}` : lag && !isHistory && `lag ${lag}`}</span>
    </p>
  );
}
