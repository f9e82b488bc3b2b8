// What counts how much in the scores of answers: for all kinds of task, and for some of their own.
import { useState } from 'preact/hooks';
import { listSeries } from '../../api/calls';
import type { QualityTaskTypeWeights, QualityWeights } from '../../api/model';
import { calibrateQuality, getQualityWeights, rescoreQuality, saveQualityWeights } from '../../api/quality';
import { DEFINITIONS } from '../../definitions';
import { plural, ratio, score, text } from '../../format/format';
import { COMPONENT_NAMES, COMPONENTS } from '../../metrics/quality';
import {
  areSound,
  sharesOf,
  WEIGHT_MOST,
  withoutTaskType,
  withTaskType,
  withWeight,
  withWeights,
} from '../../metrics/weights';
import { EntriesSkeleton } from '../../parts/Entries';
import { Check } from '../../parts/Field';
import { Failure } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useAction, type Action } from '../../state/action';
import { useResource } from '../../state/resource';
import { mayAdminister, mayOperate, project } from '../../state/session';
import './weights.css';

const RESCORE_DAYS = 30;

export function Weights() {
  const { data, error, reload } = useResource(project.value, (signal) => getQualityWeights(project.value, signal));
  return (
    <section class="card" aria-label="Weights" aria-busy={!data && !error}>
      {!data && !error && <EntriesSkeleton />}
      {!data && error && <Failure what="The weights are not known now" error={error} onRetry={reload} />}
      {/* What was saved, by whomever, is where the next change begins. */}
      {data && <Editor key={data.version} saved={data} onSaved={reload} />}
    </section>
  );
}

function Editor({ saved, onSaved }: { saved: QualityWeights; onSaved: () => void }) {
  const [draft, setDraft] = useState(saved);
  const saving = useAction();
  const isChanged = JSON.stringify(draft) !== JSON.stringify(saved);
  const save = (): void =>
    void saving.run(async () => {
      await saveQualityWeights(project.value, draft);
      onSaved();
    });
  return (
    <>
      <header class="list-header">
        <h2>Weights of quality</h2>
        <p class="is-faint">of the components in a score, next to each other</p>
        <NewTaskType draft={draft} onChange={setDraft} />
      </header>
      <div class="settings-scroll" tabIndex={0} role="region" aria-label="Table: weights">
        <table class="settings-table weights-table">
          <Headings />
          <tbody>
            {draft.task_types?.map((one) => (
              <Row key={one.task_type} of={one} draft={draft} onChange={setDraft} />
            ))}
          </tbody>
        </table>
      </div>
      <div class="weights-foot">
        <fieldset disabled={!mayAdminister.value}>
          <Check
            label="Keep the content of evidence, so that better readers can read it again"
            isOn={draft.keep_content}
            onChange={(keep_content) => setDraft({ ...draft, keep_content })}
          />
        </fieldset>
        <p class="form-foot">
          {mayAdminister.value && (
            <button
              type="button"
              class="button is-primary"
              disabled={!isChanged || !areSound(draft) || saving.isBusy}
              onClick={save}
            >
              {saving.isBusy ? 'Saving …' : 'Save'}
            </button>
          )}
          <span class="is-faint" role="status">
            {!isChanged && 'As saved.'}
            {isChanged && (areSound(draft) ? 'Not saved yet.' : `Weights are above 0 and at most ${WEIGHT_MOST}.`)}
          </span>
          <Refusal of={saving} onReload={onSaved} />
          {!isChanged && mayOperate.value && <Rescore />}
        </p>
      </div>
    </>
  );
}

function Refusal({ of: { error }, onReload }: { of: Action; onReload: () => void }) {
  if (!error) return null;
  return (
    <span class="is-bad" role="alert">
      {error.message}{' '}
      {error.reason === 'VERSION_CONFLICT' && (
        <button type="button" class="link" onClick={onReload}>
          Read them
        </button>
      )}
    </span>
  );
}

function Headings() {
  return (
    <thead>
      <tr>
        <th scope="col">Task</th>
        {COMPONENT_NAMES.map((name) => (
          <th key={name} scope="col">
            <span class="term" tabIndex={0} {...tip(DEFINITIONS[COMPONENTS[name].term])}>
              {COMPONENTS[name].label}
            </span>
          </th>
        ))}
        <th scope="col">
          <span class="visually-hidden">What can be done</span>
        </th>
      </tr>
    </thead>
  );
}

interface RowProps {
  of: QualityTaskTypeWeights;
  draft: QualityWeights;
  onChange: (draft: QualityWeights) => void;
}

function Row({ of: row, draft, onChange }: RowProps) {
  const name = row.task_type || 'All other kinds';
  const shares = sharesOf(row);
  const weights = new Map(row.weights?.map(({ component, weight }) => [component, weight]));
  return (
    <tr>
      <th scope="row">
        <b>{name}</b>
      </th>
      {COMPONENT_NAMES.map((component) => (
        <td key={component}>
          <input
            class="input weights-input"
            type="number"
            min="0.01"
            max={WEIGHT_MOST}
            step="any"
            aria-label={`${name}: ${COMPONENTS[component].label}`}
            disabled={!mayAdminister.value}
            value={weights.get(component)}
            onInput={({ currentTarget: { valueAsNumber } }) =>
              onChange(withWeight(draft, row.task_type, component, valueAsNumber))
            }
          />
          <small class="is-faint">{text(ratio(shares.get(component)))}</small>
        </td>
      ))}
      <td class="settings-actions">
        {mayAdminister.value && <Calibrate of={row} draft={draft} onChange={onChange} />}
        {mayAdminister.value && row.task_type && (
          <button type="button" class="button" onClick={() => onChange(withoutTaskType(draft, row.task_type))}>
            Remove
          </button>
        )}
      </td>
    </tr>
  );
}

/** Puts in what feedback speaks for; it counts when it is saved. */
function Calibrate({ of: row, draft, onChange }: RowProps) {
  const { isBusy, error, run } = useAction();
  const [gain, setGain] = useState('');
  const fit = (): void =>
    void run(async () => {
      const found = await calibrateQuality(project.value, row.task_type);
      const [fitted, present] = [found.fitted_error_ratio, found.present_error_ratio].map((one) => text(score(one)));
      setGain(`${fitted} off feedback, before ${present}; ${plural(found.sample_count, 'answer')}`);
      onChange(withWeights(draft, { ...found.fitted, task_type: row.task_type }));
    });
  return (
    <>
      <small class={error ? 'is-bad' : 'is-faint'} role="status">
        {error ? error.message : gain}
      </small>{' '}
      <button
        type="button"
        class="button"
        disabled={isBusy}
        {...tip('Weights whose score comes closest to what people said, tried on answers that they were not fitted to')}
        onClick={fit}
      >
        {isBusy ? 'Fitting …' : 'Fit to feedback'}
      </button>
    </>
  );
}

/** The kinds of task that were seen and have no weights of their own yet. */
function NewTaskType({ draft, onChange }: { draft: QualityWeights; onChange: (draft: QualityWeights) => void }) {
  const { data } = useResource(project.value, (signal) => listSeries(project.value, signal));
  const known = new Set(draft.task_types?.map((one) => one.task_type));
  const others = [...new Set(data?.map((key) => key.task_type ?? ''))].filter((name) => !known.has(name)).sort();
  if (!mayAdminister.value || others.length === 0) return null;
  return (
    <select
      class="select settings-tools"
      aria-label="Weights of its own for a kind of task"
      value=""
      onChange={({ currentTarget: { value } }) => onChange(withTaskType(draft, value))}
    >
      <option value="">Add a kind of task …</option>
      {others.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Weights count from now on; this has what is there already scored by them, too. */
function Rescore() {
  const { isBusy, error, run } = useAction();
  const [rescored, setRescored] = useState<number | null>(null);
  const rescore = (): void =>
    void run(async () => setRescored(await rescoreQuality(project.value, `-${RESCORE_DAYS}d`)));
  return (
    <>
      <button type="button" class="button weights-rescore" disabled={isBusy} onClick={rescore}>
        Score the last {RESCORE_DAYS} days anew
      </button>
      <span class={error ? 'is-bad' : 'is-faint'} role="status">
        {error ? error.message : rescored !== null && `${plural(rescored, 'score')} on the way.`}
      </span>
    </>
  );
}
