// One line over the page where the numbers are not what they should be.
import { clock } from '../format/time';
import { connection, liveUntilMs } from '../state/connection';
import { timeZone } from '../state/session';
import { Icon } from './Icon';
import './trouble.css';

/** Says that the connection is lost, or else the `error` with which the page's own numbers could not be had, if any. */
export function Trouble({ error }: { error: string }) {
  const isStale = connection.value === 'stale';
  if (!isStale && !error) return null;
  return (
    <p class="trouble" role="alert">
      <Icon name="warning" />
      {isStale
        ? `Not live since ${clock(liveUntilMs.value, timeZone.value)}: these are the last numbers that arrived. Trying to connect again.`
        : `The numbers could not be brought up to date: ${error}`}
    </p>
  );
}
