// Things that happened, one below the other: how severe, what in one sentence, since when. Each is a link as a whole.
import type { ComponentChildren } from 'preact';
import type { Severity } from '../api/model';
import { length } from '../format/format';
import { instant, shortInstant } from '../format/time';
import { nowMs } from '../state/now';
import { timeZone } from '../state/session';
import './entries.css';
import { SeverityBadge } from './SeverityBadge';
import { tip } from './Tooltip';

const SKELETON_ENTRIES = 3;

export function Entries({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <ul class="entries" aria-label={label}>
      {children}
    </ul>
  );
}

interface EntryProps extends Timespan {
  severity: Severity;
  href: string;
  sentence: string;
  /** Small print below the sentence. */
  facts: readonly ComponentChildren[];
  /** What can be done with it from here. */
  actions?: ComponentChildren;
}

export function Entry({ severity, href, sentence, facts, actions, start, end }: EntryProps) {
  return (
    <li class="entry">
      <SeverityBadge severity={severity} isOver={end !== null} />
      <div class="entry-what">
        <a class="entry-link" href={href}>
          {sentence}
        </a>
        <p class="entry-facts">
          {facts.filter(Boolean).map((fact, index) => (
            <span key={index}>{fact}</span>
          ))}
        </p>
      </div>
      <When start={start} end={end} />
      {actions && <div class="entry-actions">{actions}</div>}
    </li>
  );
}

export interface Timespan {
  /** RFC 3339. */
  start: string;
  /** Null: it goes on. */
  end: string | null;
}

/** Since when, until when, and how long that is. */
export function When({ start, end }: Timespan) {
  const zone = timeZone.value;
  const now = nowMs.value;
  const startMs = Date.parse(start);
  const endMs = end === null ? null : Date.parse(end);
  const exact = `${instant(startMs, zone)}${endMs === null ? ', and going on' : ` to ${instant(endMs, zone)}`}`;
  return (
    <p class="entry-when" {...tip(exact)}>
      <b>{endMs === null ? `for ${length(now - startMs)}` : `lasted ${length(endMs - startMs)}`}</b>
      <span>
        {endMs === null ? 'since ' : ''}
        {shortInstant(startMs, zone, now)}
      </span>
    </p>
  );
}

/** Stands in for entries that are on their way. */
export function EntriesSkeleton() {
  return (
    <ul class="entries is-skeleton" aria-hidden="true">
      {Array.from({ length: SKELETON_ENTRIES }, (_, index) => (
        <li class="entry" key={index}>
          <span>
            <span class="skeleton">Warning</span>
          </span>
          <div class="entry-what">
            <span class="skeleton">success of a provider fell from 98 % to 71 % since 14:05</span>
            <p class="entry-facts">
              <span class="skeleton">38 of 131 calls</span>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
