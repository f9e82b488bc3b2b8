// How much something matters: by word, by shape and by colour.
import type { Severity } from '../api/model';
import { DEFINITIONS } from '../definitions';
import { Icon, type IconName } from './Icon';
import './severity-badge.css';
import { tip } from './Tooltip';

export const SEVERITY_WORDS: Record<Severity, string> = { CRITICAL: 'Critical', WARNING: 'Warning', INFO: 'Info' };
export const SEVERITY_ICONS: Record<Severity, IconName> = { CRITICAL: 'critical', WARNING: 'warning', INFO: 'info' };

/** Over: the same, but calm. */
export function SeverityBadge({ severity, isOver = false }: { severity: Severity; isOver?: boolean }) {
  return (
    <span
      class={`severity is-${severity.toLowerCase()}${isOver ? ' is-over' : ''}`}
      {...tip(isOver ? `It was ${SEVERITY_WORDS[severity].toLowerCase()}, and is over.` : DEFINITIONS.severity)}
    >
      <Icon name={SEVERITY_ICONS[severity]} /> {SEVERITY_WORDS[severity]}
    </span>
  );
}
