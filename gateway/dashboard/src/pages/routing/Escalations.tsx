// Escalation: who is told one after the other until somebody acknowledges.
import type { EscalationPolicy, PolicyBody } from '../../api/model';
import { LIMITS, moved, renamed, spanWords } from '../../metrics/policy';
import { Field } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { PickMany } from '../../parts/PickMany';
import { SpanInput } from '../../parts/SpanInput';
import { State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { freeName, NamedCard } from './NamedCard';
import type { PartProps } from './Routing';

type Step = EscalationPolicy['steps'][number];

const FIRST_STEP: Step = { delay_s: 300, receiver_ids: [], rotas: [] };

export function Escalations({ policy, receiverIds, onChange }: PartProps) {
  const all = policy.escalation_policies;
  const set = (escalation_policies: EscalationPolicy[]): void => onChange({ ...policy, escalation_policies });
  return (
    <div class="named-list" role="group" aria-label="Escalation policies">
      {all.length === 0 && (
        <section class="card">
          <State icon="up" title="Nobody else is told">
            <p>An escalation policy tells others, one after the other, until somebody acknowledges.</p>
          </State>
        </section>
      )}
      {all.map((one, index) => (
        <NamedCard
          key={index}
          kind="Escalation policy"
          name={one.name}
          onRename={(to) => onChange(renamedAt(policy, index, to))}
          onRemove={() => set(all.filter((_, at) => at !== index))}
        >
          <Steps
            escalation={one}
            receiverIds={receiverIds}
            rotas={policy.rotas.map((rota) => rota.name)}
            onChange={(next) => set(all.map((other, at) => (at === index ? next : other)))}
          />
        </NamedCard>
      ))}
      <button
        type="button"
        class="button routing-add"
        onClick={() =>
          set([
            ...all,
            {
              name: freeName('on call', all.map((one) => one.name)),
              steps: [FIRST_STEP],
              repeat_from: 0,
              repeat_count: 0,
            },
          ])
        }
      >
        <Icon name="plus" /> Escalation policy
      </button>
    </div>
  );
}

/** Others that name it follow, unless another one has that name already: then it is not known which is meant. */
function renamedAt(policy: PolicyBody, index: number, to: string): PolicyBody {
  const from = policy.escalation_policies[index]!.name;
  const isOnly = policy.escalation_policies.filter((one) => one.name === from).length === 1;
  if (isOnly && from) return renamed(policy, 'escalation_policies', from, to);
  return {
    ...policy,
    escalation_policies: policy.escalation_policies.map((one, at) => (at === index ? { ...one, name: to } : one)),
  };
}

interface StepsProps {
  escalation: EscalationPolicy;
  receiverIds: readonly string[];
  rotas: readonly string[];
  onChange: (escalation: EscalationPolicy) => void;
}

function Steps({ escalation, receiverIds, rotas, onChange }: StepsProps) {
  const { steps } = escalation;
  const set = (next: Step[]): void => onChange({ ...escalation, steps: next });
  const change = (index: number, part: Partial<Step>): void =>
    set(steps.map((one, at) => (at === index ? { ...one, ...part } : one)));
  let sum_s = 0;
  return (
    <>
      <ol class="steps">
        {steps.map((step, index) => {
          sum_s += step.delay_s ?? 0;
          return (
            <li key={index} class="step-row" aria-label={`Step ${index + 1}`}>
              <span class="step-when" {...tip('After the first message')}>
                +{spanWords(sum_s)}
              </span>
              <div class="field">
                <span>{index === 0 ? 'After the first message, by' : 'After the step before, by'}</span>
                <SpanInput
                  label={`Delay of step ${index + 1}`}
                  value_s={step.delay_s ?? 0}
                  usual_s={null}
                  onChange={(delay_s) => change(index, { delay_s })}
                />
              </div>
              <div class="field step-who">
                <span>tell</span>
                <div class="step-told">
                  <PickMany
                    label={`Receivers of step ${index + 1}`}
                    chosen={step.receiver_ids}
                    choices={receiverIds}
                    add="Receiver …"
                    onChange={(receiver_ids) => change(index, { receiver_ids })}
                  />
                  <PickMany
                    label={`Rotas of step ${index + 1}`}
                    chosen={step.rotas}
                    choices={rotas}
                    add="Who is on call in …"
                    onChange={(names) => change(index, { rotas: names })}
                  />
                </div>
              </div>
              <span class="route-tools">
                <button
                  type="button"
                  class="button is-icon"
                  aria-label={`Move step ${index + 1} up`}
                  disabled={index === 0}
                  onClick={() => set(moved(steps, index, -1))}
                >
                  <Icon name="up" />
                </button>
                <button
                  type="button"
                  class="button is-icon"
                  aria-label={`Remove step ${index + 1}`}
                  onClick={() => set(steps.filter((_, at) => at !== index))}
                >
                  <Icon name="close" />
                </button>
              </span>
            </li>
          );
        })}
      </ol>
      <div class="fields step-end">
        <div class="field">
          <span>{'\u00a0'}</span>
          <button type="button" class="button routing-add" onClick={() => set([...steps, FIRST_STEP])}>
            <Icon name="plus" /> Step
          </button>
        </div>
        <Field label="Then again, so many times">
          <input
            class="input"
            type="number"
            min={0}
            max={LIMITS.rounds}
            value={escalation.repeat_count}
            onInput={({ currentTarget: { valueAsNumber: value } }) => {
              if (Number.isInteger(value)) onChange({ ...escalation, repeat_count: value });
            }}
          />
        </Field>
        {escalation.repeat_count > 0 && (
          <Field label="from">
            <select
              class="select"
              value={String(escalation.repeat_from)}
              onChange={(event) => onChange({ ...escalation, repeat_from: Number(event.currentTarget.value) })}
            >
              {steps.map((_, index) => (
                <option key={index} value={String(index)}>
                  step {index + 1}
                </option>
              ))}
            </select>
          </Field>
        )}
      </div>
    </>
  );
}
