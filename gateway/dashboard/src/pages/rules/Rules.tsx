// The rules: what is told, and what rests.
import { useEffect } from 'preact/hooks';
import { listRules } from '../../api/alerter';
import type { Rule } from '../../api/model';
import { plural } from '../../format/format';
import { conditionWords } from '../../metrics/rules';
import { AlertingNav } from '../../parts/AlertingNav';
import { EntriesSkeleton } from '../../parts/Entries';
import { SeverityBadge } from '../../parts/SeverityBadge';
import { Failure, State } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { alerts as live } from '../../state/alerts';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayOperate, project } from '../../state/session';
import { addressOf } from '../../state/view';
import '../../parts/entries.css';
import './rules.css';

export default function Rules() {
  useConnection();
  const { data, error, reload } = useResource(project.value, (signal) => listRules(project.value, signal));
  useEffect(() => {
    document.title = `Rules · ${project.value} · Assay`;
  }, [project.value]);
  return (
    <>
      <Trouble error={data && error ? error.message : ''} />
      <main class="page">
        <AlertingNav />
        <header class="page-header">
          <h1 class="page-title">Rules</h1>
          <p class="is-faint" role="status">
            {data && plural(data.rules.length, 'rule')}
          </p>
          {mayOperate.value && (
            <a class="button is-primary page-aside" href={addressOf('/rules/new')}>
              New rule
            </a>
          )}
        </header>
        <section class="card" aria-label="Rules" aria-busy={!data && !error}>
          {data && data.rules.length > 0 && (
            <ul class="entries rules">
              {data.rules.map((rule) => (
                <RuleEntry key={rule.rule_id} rule={rule} />
              ))}
            </ul>
          )}
          {data?.rules.length === 0 && <State icon="bell" title="No rules: nothing is told" />}
          {!data && !error && <EntriesSkeleton />}
          {!data && error && <Failure what="The rules are not known now" error={error} onRetry={reload} />}
        </section>
      </main>
    </>
  );
}

function RuleEntry({ rule }: { rule: Rule }) {
  const firing = live.value?.open.filter((one) => one.rule_id === rule.rule_id && one.state !== 'PENDING').length ?? 0;
  return (
    <li class={`entry${rule.is_paused ? ' is-paused' : ''}`}>
      <SeverityBadge severity={rule.severity ?? 'WARNING'} isOver={rule.is_paused} />
      <div class="entry-what">
        <a class="entry-link" href={addressOf(`/rules/${encodeURIComponent(rule.rule_id)}`)}>
          {rule.display_name || rule.rule_id}
        </a>
        <p class="entry-facts">
          <span>{conditionWords(rule)}</span>
        </p>
      </div>
      <p class="entry-when">{state(rule, firing)}</p>
    </li>
  );
}

function state(rule: Rule, firing: number) {
  if (rule.is_paused) return <span>paused</span>;
  return firing > 0 ? <b>{plural(firing, 'alert')} now</b> : <span>quiet</span>;
}
