// The open alerts that conditions hit, asked for as one writes.
import { previewSilence } from '../../api/notification';
import { plural } from '../../format/format';
import { EntriesSkeleton } from '../../parts/Entries';
import { Failure, State } from '../../parts/State';
import { alerts as live } from '../../state/alerts';
import { useAtMostEvery } from '../../state/now';
import { useResource } from '../../state/resource';
import { project } from '../../state/session';
import { useSettled } from '../../state/settled';
import { AlertList } from '../alerts/AlertList';
import '../alerts/alerts.css';

// Longer than the pause between two key strokes.
const QUIET_MS = 400;
const REFRESH_MS = 5_000;

export function Preview({ matchers }: { matchers: readonly string[] | null }) {
  const changes = useAtMostEvery(REFRESH_MS, live.value?.changeCount ?? 0);
  const question = useSettled(matchers ? JSON.stringify(matchers) : '', QUIET_MS);
  const { data, error, isLoading, reload } = useResource(
    question && JSON.stringify([project.value, question]),
    (signal) => previewSilence(project.value, JSON.parse(question) as string[], signal),
    changes,
  );
  return (
    <section class="card" aria-label="What it hits now" aria-busy={question !== '' && isLoading}>
      <header class="list-header">
        <h2>What it hits now</h2>
        <p class="is-faint" role="status">
          {question && data && !error && plural(data.alert_count, 'open alert')}
          {question && data && data.alert_count > data.alerts.length && `, the first ${data.alerts.length}`}
        </p>
      </header>
      {!question && <State icon="mute" title="Say what is to be silent" />}
      {question && error && <Failure what="It cannot be looked at" error={error} onRetry={reload} />}
      {question && !error && !data && <EntriesSkeleton />}
      {question && !error && data && data.alerts.length > 0 && (
        <AlertList alerts={data.alerts} label="Alerts that it hits" isPlain />
      )}
      {question && !error && data?.alerts.length === 0 && (
        <State icon="check" title="No open alert">
          <p>It will keep quiet what comes while it lasts.</p>
        </State>
      )}
    </section>
  );
}
