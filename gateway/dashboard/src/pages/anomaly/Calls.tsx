// Calls that show the anomaly, each a way to its detail.
import type { WholeAnomaly } from '../../api/model';
import { addressOf } from '../../state/view';

const SHOWN_MOST = 12;

export function Calls({ whole: { anomaly, call_ids: ids, are_calls_known: areKnown } }: { whole: WholeAnomaly }) {
  if (anomaly.kind === 'SILENCE') return null; // It is their absence that shows it.
  return (
    <section class="card" aria-label="Calls">
      <header class="list-header">
        <h2>Calls that show it</h2>
        <p class="is-faint">{words(ids.length, areKnown)}</p>
      </header>
      {ids.length > 0 && (
        <ul class="calls">
          {ids.slice(0, SHOWN_MOST).map((id) => (
            <li key={id}>
              <a href={addressOf(`/calls/${encodeURIComponent(id)}`)}>{id}</a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function words(found: number, areKnown: boolean): string {
  if (!areKnown) return 'The collector could not be asked for them.';
  if (found === 0) return 'None is kept any more.';
  return found > SHOWN_MOST ? `the latest ${SHOWN_MOST}` : 'the latest first';
}
