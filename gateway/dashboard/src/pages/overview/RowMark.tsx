// The sign on a row that something of it is not as usual.
import type { Anomaly } from '../../api/model';
import { plural } from '../../format/format';
import { sentence } from '../../metrics/anomalies';
import type { Row } from '../../metrics/rows';
import { Icon } from '../../parts/Icon';
import { SEVERITY_ICONS, SEVERITY_WORDS } from '../../parts/SeverityBadge';
import { tip } from '../../parts/Tooltip';
import { addressOf, filtersOf } from '../../state/view';

/** Leads to the anomaly, or to the list of them where there are several. */
export function RowMark({ row, anomalies }: { row: Row; anomalies: readonly Anomaly[] }) {
  const worst = anomalies[0]!;
  const words = sentence(worst.explanation);
  const others = anomalies.length > 1 ? `, and ${plural(anomalies.length - 1, 'other')}` : '';
  const filters = filtersOf({ provider: row.provider, task_type: row.taskType });
  return (
    <a
      class={`row-mark is-${worst.severity.toLowerCase()}`}
      href={others ? addressOf('/anomalies', { filters }) : addressOf(`/anomalies/${worst.anomaly_id}`)}
      aria-label={`${SEVERITY_WORDS[worst.severity]} anomaly: ${words}${others}`}
      {...tip(words + others)}
    >
      <Icon name={SEVERITY_ICONS[worst.severity]} />
    </a>
  );
}
