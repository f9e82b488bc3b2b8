// A silence in the making: what it hits is shown while one writes it.
import { useEffect, useState } from 'preact/hooks';
import { getAlert } from '../../api/alerter';
import { createSilence } from '../../api/notification';
import { fromLocalInput, instant, toLocalInput } from '../../format/time';
import { silenceProblem, written, type Matcher } from '../../metrics/matchers';
import { Field } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { MatcherEditor } from '../../parts/MatcherEditor';
import { Trouble } from '../../parts/Trouble';
import { useAction } from '../../state/action';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, go, view } from '../../state/view';
import '../rule/rule.css';
import { matchersOf } from './alert-matchers';
import { Preview } from './Preview';
import './silence.css';

const MINUTE_MS = 60_000;
const LENGTHS: readonly (readonly [minutes: number, label: string])[] = [
  [30, '30 min'],
  [60, '1 h'],
  [240, '4 h'],
  [1_440, '1 day'],
  [10_080, '1 week'],
];
const FIRST_LENGTH_MIN = 60;
const AUTHOR_KEY = 'assay-author';
const AUTHOR_MOST = 128;
const COMMENT_MOST = 1_024;
const ID_BYTES = 12;

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export default function NewSilence() {
  useConnection();
  useEffect(() => {
    document.title = 'New silence · Assay';
  }, []);
  const alertId = view.value.facets.alert ?? '';
  const about = useResource(alertId && JSON.stringify([project.value, alertId]), (signal) =>
    getAlert(project.value, alertId, signal),
  );
  const isWaiting = alertId !== '' && !about.data && !about.error;
  return (
    <>
      <Trouble error="" />
      <main class="page" aria-busy={isWaiting}>
        <a class="back" href={addressOf('/silences')}>
          <Icon name="back" /> Silences
        </a>
        <h1 class="page-title">New silence</h1>
        {about.error && !about.data && (
          <p class="note is-warning" role="alert">
            <Icon name="warning" /> The alert cannot be read, say yourself what is to be silent: {about.error.message}
          </p>
        )}
        {!isWaiting && <Editor first={about.data ? matchersOf(about.data.alert.labels) : []} />}
      </main>
    </>
  );
}

function Editor({ first }: { first: readonly Matcher[] }) {
  const zone = timeZone.value;
  const [matchers, setMatchers] = useState<readonly Matcher[]>(
    first.length > 0 ? first : [{ name: 'provider', operator: '=', value: '' }],
  );
  const [isTouched, setTouched] = useState(first.length > 0);
  const [minutes, setMinutes] = useState<number | null>(FIRST_LENGTH_MIN);
  const [until, setUntil] = useState(() => toLocalInput(Date.now() + FIRST_LENGTH_MIN * MINUTE_MS, zone));
  const [author, setAuthor] = useState(() => localStorage.getItem(AUTHOR_KEY) ?? '');
  const [comment, setComment] = useState('');
  const [silenceId] = useState(newId);
  const { isBusy, error, run } = useAction();

  const problem = silenceProblem(matchers);
  // A length counts from now, whenever that is: what is shown from when it is drawn, what is made from the press.
  const endFromNow = (): number =>
    minutes === null ? fromLocalInput(until, zone) : Date.now() + minutes * MINUTE_MS;
  const endMs = endFromNow();
  const isEndWrong = !(endMs > Date.now());

  const save = (): Promise<boolean> =>
    run(async () => {
      localStorage.setItem(AUTHOR_KEY, author.trim());
      await createSilence(project.value, {
        silence_id: silenceId,
        matchers: matchers.map(written),
        author: author.trim(),
        comment: comment.trim(),
        start_time: '',
        end_time: new Date(endFromNow()).toISOString(),
      });
      go(addressOf('/silences'));
    });

  return (
    <div class="rule-grid">
      <form
        class="card form"
        aria-label="Silence"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <fieldset disabled={!mayOperate.value || isBusy}>
          <div class="field" role="group" aria-label="Alerts that fulfil all of">
            <span>Alerts that fulfil all of</span>
            <MatcherEditor
              matchers={matchers}
              none="No condition yet."
              onChange={(next) => {
                setTouched(true);
                setMatchers(next);
              }}
            />
            {problem && isTouched && <small class="is-bad">{problem}</small>}
          </div>
          <div class="field" role="group" aria-label="For how long">
            <span>For how long</span>
            <div class="lengths">
              {LENGTHS.map(([choice, label]) => (
                <button
                  type="button"
                  key={choice}
                  class="chip-choice"
                  aria-pressed={choice === minutes}
                  onClick={() => setMinutes(choice)}
                >
                  {label}
                </button>
              ))}
              <button
                type="button"
                class="chip-choice"
                aria-pressed={minutes === null}
                onClick={() => {
                  setUntil(toLocalInput(Number.isNaN(endMs) ? Date.now() : endMs, zone));
                  setMinutes(null);
                }}
              >
                until …
              </button>
            </div>
            {minutes === null ? (
              <input
                class="input"
                type="datetime-local"
                aria-label="Until"
                required
                value={until}
                onInput={(event) => setUntil(event.currentTarget.value)}
              />
            ) : (
              <small class="is-faint">
                until {instant(endMs, zone)}, {zone}
              </small>
            )}
            {isEndWrong && <small class="is-bad">The end must be in the future</small>}
          </div>
          <Field label="Who makes it">
            <input
              class="input"
              required
              maxLength={AUTHOR_MOST}
              autocomplete="name"
              value={author}
              onInput={(event) => setAuthor(event.currentTarget.value)}
            />
          </Field>
          <Field label="Why" hint="Whoever wonders later will be glad of it.">
            <textarea
              class="input"
              rows={2}
              maxLength={COMMENT_MOST}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </Field>
          <p class="form-foot">
            <button type="submit" class="button is-primary" disabled={problem !== '' || isEndWrong || !author.trim()}>
              {isBusy ? 'Making it …' : 'Make it silent'}
            </button>
            {!mayOperate.value && <span class="is-faint">To make one, sign in with a key that may operate.</span>}
          </p>
        </fieldset>
        {error && (
          <p class="is-bad" role="alert">
            {error.message}
          </p>
        )}
      </form>
      <Preview matchers={problem ? null : matchers.map(written)} />
    </div>
  );
}
