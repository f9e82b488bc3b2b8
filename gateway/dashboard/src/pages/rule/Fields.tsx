// The fields of the rule editor. Each change makes a new draft.
import type { ComponentChildren } from 'preact';
import type { RuleBody, Severity, Threshold } from '../../api/model';
import { RULE_METRIC_NAMES, RULE_METRICS } from '../../metrics/rules';
import { SEVERITIES } from '../../metrics/anomalies';
import { Check, Field } from '../../parts/Field';
import { SEVERITY_WORDS } from '../../parts/SeverityBadge';

const MINUTE_S = 60;
const WINDOWS: readonly (readonly [seconds: number, label: string])[] = [
  [300, '5 minutes'],
  [900, '15 minutes'],
  [3_600, '1 hour'],
  [21_600, '6 hours'],
  [86_400, '1 day'],
  [604_800, '7 days'],
  [2_592_000, '30 days'],
];
const FORS: readonly (readonly [minutes: number, label: string])[] = [
  [0, 'at once'],
  [1, '1 minute'],
  [2, '2 minutes'],
  [5, '5 minutes'],
  [15, '15 minutes'],
  [30, '30 minutes'],
  [60, '1 hour'],
];
const GROUPS: readonly (readonly [RuleBody['group_by'][number], string])[] = [
  ['provider', 'provider'],
  ['model', 'model'],
  ['task_type', 'task'],
  ['prompt_name', 'prompt'],
  ['prompt_version', 'version'],
];
// Ratios are edited as percent: that is how they are read.
const PERCENT = 100;

interface FieldsProps {
  draft: RuleBody;
  onChange: (draft: RuleBody) => void;
}

/** The choices, with the present value among them whatever it is. */
function Choice({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: number;
  choices: typeof WINDOWS;
  onChange: (value: number) => void;
}) {
  const known = choices.some(([choice]) => choice === value) ? choices : [...choices, [value, String(value)] as const];
  return (
    <Field label={label}>
      <select class="select" value={String(value)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {known.map(([choice, words]) => (
          <option key={choice} value={String(choice)}>
            {words}
          </option>
        ))}
      </select>
    </Field>
  );
}

export function CommonFields({ draft, onChange, children }: FieldsProps & { children: ComponentChildren }) {
  const change = (part: Partial<RuleBody>): void => onChange({ ...draft, ...part });
  return (
    <>
      <div class="fields">
        <Field label="Name">
          <input
            class="input"
            required
            maxLength={128}
            value={draft.display_name}
            onInput={(event) => change({ display_name: event.currentTarget.value })}
          />
        </Field>
        <Field label="Severity">
          <select
            class="select"
            value={draft.severity ?? ''}
            onChange={(event) => change({ severity: (event.currentTarget.value || null) as Severity | null })}
          >
            {draft.severity === null && <option value="">As the anomaly's</option>}
            {SEVERITIES.map((one) => (
              <option key={one} value={one}>
                {SEVERITY_WORDS[one]}
              </option>
            ))}
          </select>
        </Field>
      </div>
      {children}
      <div class="fields">
        <Choice
          label="It must hold for"
          value={draft.for_s / MINUTE_S}
          choices={FORS}
          onChange={(minutes) => change({ for_s: minutes * MINUTE_S })}
        />
        <Check label="Paused" isOn={draft.is_paused} onChange={(is_paused) => change({ is_paused })} />
      </div>
      <Field label="What to do about it">
        <textarea
          class="input"
          rows={3}
          maxLength={4_096}
          value={draft.description}
          onInput={(event) => change({ description: event.currentTarget.value })}
        />
      </Field>
    </>
  );
}

export function ThresholdFields({ draft, threshold, onChange }: FieldsProps & { threshold: Threshold }) {
  const change = (part: Partial<Threshold>): void => onChange({ ...draft, threshold: { ...threshold, ...part } });
  const [, unit] = RULE_METRICS[threshold.metric];
  const scale = unit === 'ratio' ? PERCENT : 1;
  const unitWords = unit === 'ratio' ? '%' : unit;
  const scaled = (value: number): number => Number((value * scale).toPrecision(12));
  const isAbove = threshold.comparison === 'ABOVE';
  return (
    <>
      <div class="fields">
        <Field label="Metric">
          <select
            class="select"
            value={threshold.metric}
            onChange={(event) =>
              change({ metric: event.currentTarget.value as Threshold['metric'], resolve_threshold: null })
            }
          >
            {RULE_METRIC_NAMES.map((metric) => (
              <option key={metric} value={metric}>
                {RULE_METRICS[metric][0]}
              </option>
            ))}
          </select>
        </Field>
        <Choice
          label="Over the last"
          value={threshold.window_s}
          choices={WINDOWS}
          onChange={(window_s) => change({ window_s })}
        />
        <Field label="Is wrong when">
          <select
            class="select"
            value={threshold.comparison}
            onChange={(event) =>
              change({ comparison: event.currentTarget.value as Threshold['comparison'], resolve_threshold: null })
            }
          >
            <option value="ABOVE">above</option>
            <option value="BELOW">below</option>
          </select>
        </Field>
        <Field label={`Bound${unitWords && `, ${unitWords}`}`}>
          <input
            class="input"
            type="number"
            step="any"
            required
            value={scaled(threshold.threshold)}
            onInput={({ currentTarget: { valueAsNumber: value } }) => {
              if (Number.isFinite(value)) change({ threshold: value / scale });
            }}
          />
        </Field>
        <Field label={`Over when ${isAbove ? 'below' : 'above'}${unitWords && `, ${unitWords}`}`}>
          <input
            class="input"
            type="number"
            step="any"
            placeholder="the bound"
            value={typeof threshold.resolve_threshold === 'number' ? scaled(threshold.resolve_threshold) : ''}
            onInput={({ currentTarget: { valueAsNumber: value } }) =>
              change({ resolve_threshold: Number.isFinite(value) ? value / scale : null })
            }
          />
        </Field>
        <Field label="At least so many calls">
          <input
            class="input"
            type="number"
            min={0}
            step={1}
            value={threshold.minimum_call_count}
            onInput={({ currentTarget: { valueAsNumber: value } }) => {
              if (Number.isInteger(value) && value >= 0) change({ minimum_call_count: value });
            }}
          />
        </Field>
      </div>
      <fieldset class="field">
        <legend>An alert for each</legend>
        <div class="rule-groups">
          {GROUPS.map(([dimension, words]) => (
            <label key={dimension}>
              <input
                type="checkbox"
                checked={draft.group_by.includes(dimension)}
                onChange={({ currentTarget: { checked } }) =>
                  onChange({
                    ...draft,
                    group_by: GROUPS.map(([one]) => one).filter((one) =>
                      one === dimension ? checked : draft.group_by.includes(one),
                    ),
                  })
                }
              />{' '}
              {words}
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}
