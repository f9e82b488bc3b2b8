// What has just begun to fire, over whichever page is open.
import { sentence } from '../metrics/anomalies';
import { Icon } from '../parts/Icon';
import { SEVERITY_ICONS, SEVERITY_WORDS } from '../parts/SeverityBadge';
import { putAway, toasts } from '../state/toasts';
import { addressOf } from '../state/view';
import './toasts.css';

export function Toasts() {
  return (
    <ul class="toasts" role="log" aria-label="Alerts that have just begun">
      {toasts.value.map(({ alert_id: id, severity, summary, rule_name: name }) => (
        <li key={id} class={`toast card is-${severity.toLowerCase()}`}>
          <Icon name={SEVERITY_ICONS[severity]} />
          <div>
            <p class="toast-head">
              <b>{SEVERITY_WORDS[severity]}</b> {name}
            </p>
            <a href={addressOf(`/alerts/${id}`)} onClick={() => putAway(id)}>
              {sentence(summary || name)}
            </a>
          </div>
          <button type="button" class="button is-icon" aria-label={`Put away: ${name}`} onClick={() => putAway(id)}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
