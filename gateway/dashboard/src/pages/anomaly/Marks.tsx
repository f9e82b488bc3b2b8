// What people think of the anomaly: who said what, when; and the buttons to say it.
import { useState } from 'preact/hooks';
import { markAnomaly } from '../../api/analyzer';
import type { MarkName, WholeAnomaly } from '../../api/model';
import { instant } from '../../format/time';
import { Icon } from '../../parts/Icon';
import { tip } from '../../parts/Tooltip';
import { mayOperate, project, session, timeZone } from '../../state/session';

const MARKS: Record<MarkName, { label: string; meaning: string }> = {
  USEFUL: { label: 'Useful', meaning: 'Real, and good that it was told.' },
  EXPECTED: { label: 'Expected', meaning: 'Real, and known beforehand: a deployment, a holiday.' },
  NOISE: { label: 'Noise', meaning: 'Nothing was wrong.' },
};
const COMMENT_MOST = 1_000;

export function Marks({ whole, onChange }: { whole: WholeAnomaly; onChange: () => void }) {
  const mine = whole.marks.find((mark) => mark.key_id === session.value?.key_id);
  const [comment, setComment] = useState(mine?.comment ?? '');
  const [sending, setSending] = useState<MarkName | null>(null);
  const [error, setError] = useState('');

  function mark(name: MarkName): void {
    setSending(name);
    setError('');
    markAnomaly(project.value, whole.anomaly.anomaly_id, name, comment.trim())
      .then(onChange, (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)))
      .finally(() => setSending(null));
  }

  return (
    <section class="card marks" aria-label="Marks">
      <h2>What do you think of it?</h2>
      {mayOperate.value ? (
        <>
          <div class="marks-choices" role="group" aria-label="Mark it as">
            {(Object.keys(MARKS) as MarkName[]).map((name) => (
              <button
                type="button"
                key={name}
                class="button"
                aria-pressed={mine?.mark === name}
                disabled={sending !== null}
                {...tip(MARKS[name].meaning)}
                onClick={() => mark(name)}
              >
                {mine?.mark === name && <Icon name="check" />} {MARKS[name].label}
              </button>
            ))}
          </div>
          <label class="marks-comment">
            <span class="visually-hidden">Why, in your own words</span>
            <input
              class="input"
              placeholder="Why (optional)"
              maxLength={COMMENT_MOST}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </label>
          <p class="marks-error" role="alert">
            {error}
          </p>
        </>
      ) : (
        <p class="is-faint">To mark it, sign in with a key that may operate.</p>
      )}
      {whole.marks.length === 0 && <p class="is-faint">Nobody has said anything yet.</p>}
      <ul class="marks-list">
        {[...whole.marks].reverse().map((one) => (
          <li key={one.key_id}>
            <b>{MARKS[one.mark].label}</b> by {one.key_id === session.value?.key_id ? 'you' : <code>{one.key_id}</code>}
            , {instant(Date.parse(one.mark_time), timeZone.value)}
            {one.comment && <q>{one.comment}</q>}
          </li>
        ))}
      </ul>
    </section>
  );
}
