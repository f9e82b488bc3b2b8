// Anomalies one below the other.
import type { Anomaly } from '../api/model';
import { count, plural, text } from '../format/format';
import { sentence } from '../metrics/anomalies';
import { KINDS, METRICS } from '../metrics/metric';
import { addressOf } from '../state/view';
import { Entries, Entry } from './Entries';
import { tip } from './Tooltip';

export function AnomalyList({ anomalies, label }: { anomalies: readonly Anomaly[]; label: string }) {
  return (
    <Entries label={label}>
      {anomalies.map((one) => (
        <Entry
          key={one.anomaly_id}
          severity={one.severity}
          href={addressOf(`/anomalies/${one.anomaly_id}`)}
          sentence={sentence(one.explanation)}
          start={one.start_time}
          end={one.end_time}
          facts={[
            METRICS[one.metric].label,
            <span {...tip(KINDS[one.kind].meaning)}>{KINDS[one.kind].label}</span>,
            one.part_count > 1 && plural(one.part_count, 'series', 'series'),
            callsOf(one),
            marksOf(one),
          ]}
        />
      ))}
    </Entries>
  );
}

function callsOf({ kind, affected_count, call_count }: Anomaly): string {
  if (kind === 'SILENCE') return `${plural(call_count, 'call')} expected`;
  return `${text(count(affected_count))} of ${plural(call_count, 'call')}`;
}

function marksOf({ mark_counts: { expected, useful, noise } }: Anomaly): string {
  const words = [expected && 'expected', useful && 'useful', noise && 'noise'].filter(Boolean).join(', ');
  return words && `marked ${words}`;
}
