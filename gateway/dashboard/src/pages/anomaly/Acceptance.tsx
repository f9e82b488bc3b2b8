// A level that is here to stay: making it the usual one, and who did so.
import { useState } from 'preact/hooks';
import { acceptShift, listAcceptedShifts } from '../../api/analyzer';
import type { AcceptedShift, SeriesKey, WholeAnomaly } from '../../api/model';
import { plural, text } from '../../format/format';
import { instant } from '../../format/time';
import { METRICS } from '../../metrics/metric';
import { keyId } from '../../metrics/windows';
import { Dialog } from '../../parts/Dialog';
import { useResource } from '../../state/resource';
import { mayOperate, project, session, timeZone } from '../../state/session';

export function Acceptance({ whole, onChange }: { whole: WholeAnomaly; onChange: () => void }) {
  const { anomaly, parts } = whole;
  const moved = parts.filter((part) => part.metric === anomaly.metric).map((part) => part.key);
  const isLevel = anomaly.kind === 'SHIFT' || anomaly.kind === 'DRIFT';
  const accepted = useResource(isLevel ? `${anomaly.anomaly_id} ${anomaly.version}` : '', async (signal) => {
    const { shifts } = await listAcceptedShifts(project.value, signal);
    return shifts.filter((shift) => belongs(shift, whole, moved));
  });
  const [isAsking, setAsking] = useState(false);
  const hasHappened = accepted.data !== null && accepted.data.length > 0;
  if (!isLevel || moved.length === 0 || !(anomaly.is_open || hasHappened)) return null;
  const done = (): void => {
    setAsking(false);
    accepted.reload();
    onChange();
  };
  const { format } = METRICS[anomaly.metric];
  return (
    <section class="card marks" aria-label="New normal">
      <h2>Here to stay?</h2>
      <p class="is-faint">
        As soon as the new level is the usual one, it is no anomaly any more. One that lasts long enough is accepted by
        itself.
      </p>
      {anomaly.is_open && mayOperate.value && (
        <p>
          <button type="button" class="button" onClick={() => setAsking(true)}>
            Accept as the new normal …
          </button>
        </p>
      )}
      {hasHappened && (
        <ul class="marks-list">
          {accepted.data!.map((shift) => (
            <li key={keyId(shift.key)}>
              <b>{[shift.key.provider, shift.key.model, shift.key.task_type].filter(Boolean).join(' ')}</b>:{' '}
              {text(format(shift.from_centre))} → {text(format(shift.to_centre))}, {actor(shift.key_id)}{' '}
              {instant(Date.parse(shift.accept_time), timeZone.value)}
            </li>
          ))}
        </ul>
      )}
      <Dialog title="Accept as the new normal" isOpen={isAsking} onClose={() => setAsking(false)}>
        <Confirmation whole={whole} keys={moved} onDone={done} />
      </Dialog>
    </section>
  );
}

function actor(id: string | null): string {
  if (id === null) return 'by itself,';
  return id === session.value?.key_id ? 'by you,' : `by ${id},`;
}

function belongs(shift: AcceptedShift, { anomaly }: WholeAnomaly, keys: readonly SeriesKey[]): boolean {
  const isSince = Date.parse(shift.accept_time) >= Date.parse(anomaly.start_time);
  return isSince && shift.metric === anomaly.metric && keys.some((key) => keyId(key) === keyId(shift.key));
}

function Confirmation({
  whole: { anomaly },
  keys,
  onDone,
}: {
  whole: WholeAnomaly;
  keys: readonly SeriesKey[];
  onDone: () => void;
}) {
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState('');
  const { label, format } = METRICS[anomaly.metric];

  async function accept(): Promise<void> {
    setSending(true);
    setError('');
    try {
      // One after the other: each is a change of its own, and accepting one again changes nothing.
      for (const key of keys) await acceptShift(project.value, key, anomaly.metric);
      onDone();
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
      setSending(false);
    }
  }

  return (
    <div class="accept">
      <p>
        {label} of {plural(keys.length, 'series', 'series')} is expected at about{' '}
        <b>{text(format(anomaly.observed))}</b> from now on, no longer at {text(format(anomaly.expected))}. It is noted
        that you said so.
      </p>
      <p class="marks-error" role="alert">
        {error}
      </p>
      <button type="button" class="button is-primary" disabled={isSending} onClick={() => void accept()}>
        {isSending ? 'Accepting …' : 'Accept'}
      </button>
    </div>
  );
}
