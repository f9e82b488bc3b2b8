// How a call ended: by word, by shape and by colour.
import type { CallOutcome } from '../api/model';
import { OUTCOME_WORDS } from '../metrics/calls';
import { Icon, type IconName } from './Icon';
import './outcome-mark.css';

const ICONS: Readonly<Record<CallOutcome, IconName>> = {
  SUCCEEDED: 'check',
  FAILED: 'close',
  TIMED_OUT: 'clock',
  RATE_LIMITED: 'gauge',
  REFUSED: 'barred',
  CANCELLED: 'stop',
};

export function OutcomeMark({ outcome }: { outcome: CallOutcome | null }) {
  if (outcome === null) return <span class="outcome is-cancelled">Unknown</span>;
  return (
    <span class={`outcome is-${outcome.toLowerCase().replace('_', '-')}`}>
      <Icon name={ICONS[outcome]} /> {OUTCOME_WORDS[outcome]}
    </span>
  );
}
