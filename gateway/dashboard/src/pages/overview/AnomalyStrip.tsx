// What is not as usual, right below the headline: the three most severe, a sentence each. It keeps its height whatever there is to say.
import type { Anomaly } from '../../api/model';
import { length, plural } from '../../format/format';
import { sentence } from '../../metrics/anomalies';
import { Icon } from '../../parts/Icon';
import { SEVERITY_ICONS, SEVERITY_WORDS } from '../../parts/SeverityBadge';
import { tip } from '../../parts/Tooltip';
import { anomalies } from '../../state/anomalies';
import { nowMs } from '../../state/now';
import { project } from '../../state/session';
import { addressOf } from '../../state/view';
import './anomaly-strip.css';

const SHOWN_MOST = 3;

export function AnomalyStrip() {
  const known = anomalies.value?.project === project.value ? anomalies.value : null;
  const open = known?.open ?? [];
  return (
    <section class="strip card" aria-label="Open anomalies" aria-busy={!known}>
      <h2>
        <a href={addressOf('/anomalies')}>Anomalies</a>
        <span class={`strip-state${known && !known.isCurrent ? ' is-away' : ''}`} role="status">
          {known ? stateWords(open.length, known.isCurrent) : '…'}
        </span>
      </h2>
      {open.length > 0 && (
        <ul>
          {open.slice(0, SHOWN_MOST).map((one) => (
            <Item key={one.anomaly_id} anomaly={one} />
          ))}
        </ul>
      )}
      {known && open.length === 0 && (
        <p class={`strip-calm${known.isCurrent ? '' : ' is-away'}`}>
          <Icon name={known.isCurrent ? 'check' : 'warning'} />
          {known.isCurrent ? 'Nothing is out of the ordinary.' : 'The analyzer is not answering: nothing new is found.'}
        </p>
      )}
    </section>
  );
}

function stateWords(count: number, isCurrent: boolean): string {
  if (!isCurrent) return count > 0 ? `${count} when last heard of` : 'not known';
  return count > SHOWN_MOST ? `${count} open, ${SHOWN_MOST} shown` : `${count || 'none'} open`;
}

function Item({ anomaly }: { anomaly: Anomaly }) {
  const words = sentence(anomaly.explanation);
  return (
    <li class={`strip-item is-${anomaly.severity.toLowerCase()}`}>
      <Icon name={SEVERITY_ICONS[anomaly.severity]} />
      <a href={addressOf(`/anomalies/${anomaly.anomaly_id}`)} {...tip(words)}>
        <span class="strip-severity">
          {SEVERITY_WORDS[anomaly.severity]}, {length(nowMs.value - Date.parse(anomaly.start_time))}
          {anomaly.part_count > 1 && `, ${plural(anomaly.part_count, 'series', 'series')}`}
        </span>
        <span class="strip-sentence">{words}</span>
      </a>
    </li>
  );
}
