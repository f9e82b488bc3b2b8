// How much is kept, of what, and for how long: for those whose disk it is.
import { getStorage } from '../../api/system';
import type { Storage } from '../../api/model';
import { bytes, count, plural, ratio, text } from '../../format/format';
import { partsOf, streamRatio, type StoragePart } from '../../metrics/storage';
import { EntriesSkeleton } from '../../parts/Entries';
import { Failure } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { Value } from '../../parts/Value';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';

// Sizes move slowly, and asking for them makes PostgreSQL look at every file.
const REFRESH_EVERY_MS = 60_000;
// At three quarters the writer begins to make room, at the end nothing more is taken.
const FULL_RATIO = 0.75;

export function StorageCard() {
  const { data, error, reload } = useResource('storage', getStorage, Math.floor(nowMs.value / REFRESH_EVERY_MS));
  return (
    <section class="card" aria-label="Storage" aria-busy={!data && !error}>
      <header class="list-header">
        <h2>Storage</h2>
        {data && <p class="is-faint">{text(bytes(data.database_byte_count))} in the database, all projects together</p>}
      </header>
      {!data && !error && <EntriesSkeleton />}
      {!data && error && <Failure what="Storage is not known now" error={error} onRetry={reload} />}
      {data && (
        <div class="storage">
          <ul class="storage-parts">
            {partsOf(data).map((part) => (
              <Part key={part.name} part={part} whole={data.database_byte_count} />
            ))}
          </ul>
          <dl class="storage-facts">
            <Stream storage={data} />
            <Kept what="Calls and evidence" days={data.calls_kept_days} />
            <Kept what="Windows of a minute" days={data.minutes_kept_days} />
            <Kept what="Windows of a quarter" days={data.quarters_kept_days} />
            <Kept what="Windows of a day" days={null} />
          </dl>
        </div>
      )}
    </section>
  );
}

function Part({ part: { name, content, byte_count, row_count }, whole }: { part: StoragePart; whole: number }) {
  return (
    <li>
      <span class="term" tabIndex={0} {...tip(content)}>
        {name}
      </span>
      <svg class="storage-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect width={(100 * byte_count) / Math.max(whole, 1)} height="10" />
      </svg>
      <b>
        <Value of={bytes(byte_count)} />
      </b>
      <span class="is-faint">{row_count !== null && `about ${plural(row_count, 'row')}`}</span>
    </li>
  );
}

function Stream({ storage }: { storage: Storage }) {
  const { message_count, byte_count, byte_limit } = storage.ingest_stream;
  const full = streamRatio(storage);
  return (
    <div>
      <dt
        class="term"
        tabIndex={0}
        {...tip('What is on its way to the database, and a while after. When it is full, nothing more is taken.')}
      >
        Ingest stream
      </dt>
      <dd class={full !== null && full >= FULL_RATIO ? 'is-bad' : ''}>
        <Value of={bytes(byte_count)} />
        {full !== null && ` of ${text(bytes(byte_limit))}, ${text(ratio(full))}`}, <Value of={count(message_count)} />{' '}
        messages
      </dd>
    </div>
  );
}

function Kept({ what, days }: { what: string; days: number | null }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>kept {days === null ? 'for good' : `for ${plural(days, 'day')}`}</dd>
    </div>
  );
}
