// Inhibition: an alert that says it all keeps quiet those that are parts of it.
import type { InhibitionRule } from '../../api/model';
import { Check, Field } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { LabelsInput } from '../../parts/LabelsInput';
import { Conditions } from './Conditions';
import type { PartProps } from './Routing';

const FIRST: InhibitionRule = {
  source_matchers: ['severity="critical"'],
  target_matchers: ['severity=~"warning|info"'],
  equal: ['provider'],
};

export function Inhibitions({ policy, onChange }: PartProps) {
  const all = policy.inhibition_rules;
  const set = (inhibition_rules: InhibitionRule[]): void => onChange({ ...policy, inhibition_rules });
  return (
    <div class="named-list" role="group" aria-label="Inhibition rules">
      <section class="card form" aria-label="Usual rules">
        <Check
          label="What is wrong with a whole provider keeps quiet its models and kinds of task"
          isOn={!policy.is_without_default_inhibition}
          onChange={(isOn) => onChange({ ...policy, is_without_default_inhibition: !isOn })}
        />
        <p class="is-faint">
          An alert is never kept quiet by one that is less severe, nor by one that fits both sides of a rule.
        </p>
      </section>
      {all.map((rule, index) => (
        <Rule
          key={index}
          number={index + 1}
          rule={rule}
          onChange={(next) => set(all.map((other, at) => (at === index ? next : other)))}
          onRemove={() => set(all.filter((_, at) => at !== index))}
        />
      ))}
      <button type="button" class="button routing-add" onClick={() => set([...all, FIRST])}>
        <Icon name="plus" /> Rule
      </button>
    </div>
  );
}

interface RuleProps {
  number: number;
  rule: InhibitionRule;
  onChange: (rule: InhibitionRule) => void;
  onRemove: () => void;
}

function Rule({ number, rule, onChange, onRemove }: RuleProps) {
  return (
    <section class="card form named" aria-label={`Rule ${number}`}>
      <header class="named-head">
        <h2>Rule {number}</h2>
        <button type="button" class="button" onClick={onRemove}>
          Remove
        </button>
      </header>
      <div class="inhibition-sides">
        <Conditions
          label="While an alert is open that fulfils"
          none="No condition yet."
          matchers={rule.source_matchers}
          onChange={(source_matchers) => onChange({ ...rule, source_matchers })}
        />
        <Conditions
          label="these are not told of"
          none="No condition yet."
          matchers={rule.target_matchers}
          onChange={(target_matchers) => onChange({ ...rule, target_matchers })}
        />
      </div>
      <Field label="if both have the same" hint="Labels, apart by commas. None: whatever they have.">
        <LabelsInput labels={rule.equal} onChange={(equal) => onChange({ ...rule, equal })} />
      </Field>
    </section>
  );
}
