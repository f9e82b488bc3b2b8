// What a call is called and belongs to, each a way to what is like it.
import type { ComponentChildren } from 'preact';
import type { StoredCall } from '../../api/model';
import { Copy } from '../../parts/Copy';
import { addressOf, filtersOf } from '../../state/view';

export function CallFacts({ call }: { call: StoredCall }) {
  const { provider, model, task_type, prompt_name, prompt_version } = call;
  const key = { provider, model, task_type, prompt_name: prompt_name ?? '', prompt_version: prompt_version ?? '' };
  const filters = filtersOf(Object.fromEntries(Object.entries(key).map(([name, value]) => [name, value ?? ''])));
  return (
    <section class="card facts" aria-label="Facts">
      <dl>
        <Fact name="Call">
          <Id value={call.call_id} />
        </Fact>
        {call.task_id && (
          <Fact name="Task">
            <a href={addressOf('/calls', { search: call.task_id })}>{call.task_id}</a>
          </Fact>
        )}
        {call.agent && (
          <Fact name="Agent">
            <a href={addressOf('/calls', { search: call.agent })}>{call.agent}</a>
          </Fact>
        )}
        {prompt_name && <Fact name="Prompt">{[prompt_name, prompt_version].filter(Boolean).join(' ')}</Fact>}
        {call.revision_count !== null && call.revision_count !== undefined && (
          <Fact name="Revisions before it">{call.revision_count}</Fact>
        )}
        {call.ranking_id && <Fact name="Chosen by ranking">{call.ranking_id}</Fact>}
        {typeof call.selection_ratio === 'number' && (
          <Fact name="Chosen with probability">{call.selection_ratio.toPrecision(3)}</Fact>
        )}
        {Object.entries(call.labels ?? {}).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <p class="call-links">
        <a href={addressOf('/series', { filters })}>Trends of its series</a>
        <a href={addressOf('/calls', { filters })}>Calls like it</a>
      </p>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** To be copied into a search or a log. */
function Id({ value }: { value: string }) {
  return (
    <span class="call-id">
      <code>{value}</code>
      <Copy text={value} label="Copy the id" />
    </span>
  );
}
