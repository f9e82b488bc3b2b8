// Alerts one below the other, with what can be done about them.
import type { Alert } from '../../api/model';
import { sentence } from '../../metrics/anomalies';
import { STATE_WORDS } from '../../metrics/alerts';
import { Entries, Entry } from '../../parts/Entries';
import { addressOf } from '../../state/view';
import { AlertActions } from './AlertActions';

interface AlertListProps {
  alerts: readonly Alert[];
  label: string;
  /** Whether there is nothing to be done with them from here. */
  isPlain?: boolean;
}

export function AlertList({ alerts, label, isPlain = false }: AlertListProps) {
  return (
    <Entries label={label}>
      {alerts.map((one) => (
        <Entry
          key={one.alert_id}
          severity={one.severity}
          href={addressOf(`/alerts/${one.alert_id}`)}
          sentence={sentence(one.summary || one.rule_name)}
          start={one.start_time}
          end={one.resolve_time}
          facts={[
            <b class={`alert-state is-${one.state.toLowerCase()}`}>{STATE_WORDS[one.state]}</b>,
            one.rule_name,
            one.acknowledged_by && `taken on by ${one.acknowledged_by}`,
          ]}
          actions={!isPlain && one.state === 'FIRING' && <AlertActions alert={one} />}
        />
      ))}
    </Entries>
  );
}
