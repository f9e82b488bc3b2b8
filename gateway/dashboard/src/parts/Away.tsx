// Said where a service that finds things is away: finding nothing then must not look like calm.
import { useEffect, useState } from 'preact/hooks';
import { clock } from '../format/time';
import { timeZone } from '../state/session';
import { Icon } from './Icon';

export function Away({ service, isAway }: { service: 'analyzer' | 'alerter'; isAway: boolean }) {
  const [sinceMs, setSinceMs] = useState(0);
  useEffect(() => setSinceMs(isAway ? Date.now() : 0), [isAway]);
  if (!isAway) return null;
  const since = sinceMs > 0 ? ` since ${clock(sinceMs, timeZone.value)}` : '';
  return (
    <p class="note is-warning" role="alert">
      <Icon name="warning" /> The {service} is not answering{since}: nothing new is found, and what is shown may be
      over.
    </p>
  );
}
