// Who sends calls: which of their fields they fill, which they never do or no longer, and what cannot be shown for it.
import { useEffect } from 'preact/hooks';
import { listSources, type Source, type SourceField } from '../../api/sources';
import { plural, ratio, text } from '../../format/format';
import { instant } from '../../format/time';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useConnection } from '../../state/connection';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';
import { project, timeZone } from '../../state/session';
import './sources.css';

// The collector writes down what it saw every ten seconds.
const REFRESH_EVERY_MS = 30_000;

export default function Sources() {
  useConnection();
  useEffect(() => {
    document.title = `Sources · ${project.value} · Assay`;
  }, [project.value]);
  const { data, error, reload } = useResource(
    project.value,
    (signal) => listSources(project.value, signal),
    Math.floor(nowMs.value / REFRESH_EVERY_MS),
  );
  const sources = [...(data ?? [])].sort((a, b) => (a.last_time < b.last_time ? 1 : -1));
  return (
    <>
      <Trouble error="" />
      <main class="page">
        <h1 class="page-title">Sources</h1>
        <p class="is-faint">
          Programs and instrumentations that send calls, by the key that they use. Of each, the calls of a batch every second are
          looked at.
        </p>
        {!data && !error && <EntriesSkeleton />}
        {!data && error && <Failure what="Sources are not known now" error={error} onRetry={reload} />}
        {data && sources.length === 0 && <State icon="list" title="No calls were looked at yet" />}
        {sources.map((source) => (
          <SourceCard key={`${source.sender} ${source.key_id}`} source={source} />
        ))}
      </main>
    </>
  );
}

function SourceCard({ source }: { source: Source }) {
  const missing = source.fields.filter((field) => field.state === 'CEASED' || field.state === 'NEVER');
  const filled = source.fields.filter((field) => field.state === 'FILLED');
  return (
    <section class="card" aria-label={source.sender}>
      <header class="list-header">
        <h2>
          {source.sender} <span class="is-faint">{source.version}</span>
        </h2>
        <p class="is-faint">
          key {source.key_id} · {plural(source.call_count, 'call')} looked at · last heard of {instant(Date.parse(source.last_time), timeZone.value)}
        </p>
      </header>
      <ul class="source-fields">
        {missing.map((field) => (
          <Missing key={field.field} field={field} since={field.last_fill_time ?? source.first_time} />
        ))}
        {filled.map((field) => (
          <li key={field.field}>
            <Icon name="check" /> <b>{field.field}</b>{' '}
            <span class="is-faint">in {text(ratio(field.filled_count / Math.max(field.call_count, 1)))} of the calls</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Missing({ field, since }: { field: SourceField; since: string }) {
  return (
    <li class={field.state === 'CEASED' ? 'is-bad' : ''}>
      <Icon name={field.state === 'CEASED' ? 'warning' : 'info'} /> <b>{field.field}</b>{' '}
      {field.state === 'CEASED' ? 'no longer since' : 'never since'} {instant(Date.parse(since), timeZone.value)}
      <span class="is-faint"> — not to be seen: {field.blinds}</span>
    </li>
  );
}
