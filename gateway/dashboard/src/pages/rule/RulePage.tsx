// One rule, to be changed: what it would have told is worked out while one edits, before anything is saved.
import { useEffect, useState } from 'preact/hooks';
import { createRule, deleteRule, getRule, saveRule } from '../../api/alerter';
import { ApiError } from '../../api/client';
import type { Rule, RuleBody } from '../../api/model';
import { instant } from '../../format/time';
import { bodyOf, conditionWords, hasPast, idFrom, takesFilter } from '../../metrics/rules';
import { Confirm } from '../../parts/Confirm';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import type { PageProps } from '../../routes';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, go } from '../../state/view';
import { Backtest } from './Backtest';
import { CommonFields, ThresholdFields } from './Fields';
import { FilterFields } from './FilterFields';
import './rule.css';

const NEW = 'new';
const FIRST_DRAFT: RuleBody = {
  rule_id: '',
  display_name: '',
  severity: 'WARNING',
  description: '',
  labels: {},
  is_paused: false,
  filter: { providers: [], models: [], task_types: [], prompt_names: [], prompt_versions: [] },
  group_by: ['provider'],
  for_s: 300,
  threshold: {
    metric: 'LATENCY_P95',
    window_s: 900,
    comparison: 'ABOVE',
    threshold: 60,
    minimum_call_count: 20,
  },
};

export default function RulePage({ name: ruleId }: PageProps) {
  useConnection();
  const isNew = ruleId === NEW;
  const { data, error, reload } = useResource(isNew ? '' : JSON.stringify([project.value, ruleId]), (signal) =>
    getRule(project.value, ruleId, signal),
  );
  const title = isNew ? 'New rule' : data ? data.display_name || data.rule_id : 'Rule';
  useEffect(() => {
    document.title = `${title} · Assay`;
  }, [title]);
  return (
    <>
      <Trouble error="" />
      <main class="page" aria-busy={!isNew && !data && !error}>
        <a class="back" href={addressOf('/rules')}>
          <Icon name="back" /> Rules
        </a>
        <header class="page-header">
          <h1 class="page-title">{title}</h1>
          {data && (
            <p class="is-faint">
              changed {instant(Date.parse(data.update_time), timeZone.value)}
              {data.updated_by && ` by ${data.updated_by}`}
            </p>
          )}
        </header>
        {(isNew || data) && <Editor key={data?.version ?? 0} saved={data} onChange={reload} />}
        {!isNew && !data && (
          <section class="card">
            {error ? <Failure what="The rule is not known" error={error} onRetry={reload} /> : <EntriesSkeleton />}
          </section>
        )}
      </main>
    </>
  );
}

function Editor({ saved, onChange }: { saved: Rule | null; onChange: () => void }) {
  const before = saved ? bodyOf(saved) : FIRST_DRAFT;
  const [draft, setDraft] = useState(before);
  const [isSaving, setSaving] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isChanged = JSON.stringify(draft) !== JSON.stringify(before);
  const body = saved ? draft : { ...draft, rule_id: idFrom(draft.display_name) };

  async function save(): Promise<void> {
    setSaving(true);
    setError(null);
    try {
      const kept = await (saved ? saveRule(project.value, body, saved.version) : createRule(project.value, body));
      if (saved) onChange();
      else go(addressOf(`/rules/${encodeURIComponent(kept.rule_id)}`), 'replace');
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError(0, 'UNEXPECTED', String(reason)));
    }
    setSaving(false);
  }

  async function end(ruleId: string): Promise<void> {
    setSaving(true);
    setError(null);
    try {
      await deleteRule(project.value, ruleId);
      go(addressOf('/rules'));
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError(0, 'UNEXPECTED', String(reason)));
    }
    setSaving(false);
  }

  return (
    <div class="rule-grid">
      <form
        class="card rule-form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <fieldset disabled={!mayOperate.value || isSaving}>
          <CommonFields draft={draft} onChange={setDraft}>
            {draft.threshold ? (
              <ThresholdFields draft={draft} threshold={draft.threshold} onChange={setDraft} />
            ) : (
              <p class="rule-condition">
                {conditionWords(draft)}.{' '}
                <span class="is-faint">
                  This condition is changed by <code>assay alerts apply</code>.
                </span>
              </p>
            )}
            {takesFilter(draft) && <FilterFields draft={draft} onChange={setDraft} />}
          </CommonFields>
          {mayOperate.value ? (
            <p class="rule-save">
              <button
                type="submit"
                class="button is-primary"
                disabled={!isChanged || isSaving || (!saved && !body.rule_id)}
              >
                {isSaving ? 'Saving …' : 'Save'}
              </button>
              <span class="is-faint" role="status">
                {saved && !isChanged ? 'As saved.' : 'Not saved yet.'}
              </span>
              {saved && (
                <span class="is-apart">
                  <Confirm
                    label="Delete"
                    question="Its open alerts end with it."
                    action="Delete it"
                    onConfirm={() => void end(saved.rule_id)}
                  />
                </span>
              )}
            </p>
          ) : (
            <p class="is-faint">To change it, sign in with a key that may operate.</p>
          )}
        </fieldset>
        <p class="is-bad" role="alert">
          {error?.message}
          {error?.reason === 'RULE_CHANGED' && (
            <button type="button" class="link" onClick={onChange}>
              Read it again
            </button>
          )}
        </p>
      </form>
      {hasPast(draft) ? (
        <Backtest rule={{ ...body, rule_id: body.rule_id || NEW }} />
      ) : (
        <section class="card rule-form">
          <h2>Back-test</h2>
          <p class="is-faint">Only conditions on what was measured have a past to run over.</p>
        </section>
      )}
    </div>
  );
}
