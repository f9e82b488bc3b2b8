// Taking an alert on, or ending it.
import { useState } from 'preact/hooks';
import { actOn, type AlertAction } from '../../api/alerter';
import type { Alert } from '../../api/model';
import '../../parts/field.css';
import { tip } from '../../parts/Tooltip';
import { mayOperate, project } from '../../state/session';

interface AlertActionsProps {
  alert: Alert;
  comment?: string;
  onDone?: () => void;
}

/** Nothing changes on the page until the alerter says so; the stream tells of it then. */
export function AlertActions({ alert, comment = '', onDone }: AlertActionsProps) {
  const [sending, setSending] = useState<AlertAction | null>(null);
  const [error, setError] = useState('');
  const isOpen = alert.state === 'FIRING' || alert.state === 'ACKNOWLEDGED';
  if (!isOpen || !mayOperate.value) return null;

  function act(action: AlertAction): void {
    setSending(action);
    setError('');
    actOn(project.value, alert.alert_id, action, comment.trim())
      .then(
        () => onDone?.(),
        (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)),
      )
      .finally(() => setSending(null));
  }

  return (
    <>
      {alert.state === 'FIRING' && (
        <button
          type="button"
          class="button is-key"
          disabled={sending !== null}
          {...tip('Say that you look after it: it is told to nobody else')}
          onClick={() => act('acknowledge')}
        >
          {sending === 'acknowledge' ? 'Acknowledging …' : 'Acknowledge'}
        </button>
      )}
      <button
        type="button"
        class="button"
        disabled={sending !== null}
        {...tip('End it. Its rule says nothing more of this until its condition has ceased once, or for a day')}
        onClick={() => act('resolve')}
      >
        {sending === 'resolve' ? 'Resolving …' : 'Resolve'}
      </button>
      {error && (
        <span class="is-bad" role="alert">
          {error}
        </span>
      )}
    </>
  );
}
