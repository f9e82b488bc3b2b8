// The fields of one route.
import type { PolicyRoute } from '../../api/model';
import { destinationOf, TIMES, type Destination } from '../../metrics/policy';
import { Check, Field } from '../../parts/Field';
import { LabelsInput } from '../../parts/LabelsInput';
import { PickMany } from '../../parts/PickMany';
import { SpanInput } from '../../parts/SpanInput';
import { Conditions } from './Conditions';
import type { RouteNames } from './Routes';

type Grouping = 'inherited' | 'all' | 'each' | 'labels';

function groupingOf({ group_by: labels }: PolicyRoute): Grouping {
  if (labels === null || labels === undefined) return 'inherited';
  if (labels.length === 0) return 'all';
  return labels.length === 1 && labels[0] === '...' ? 'each' : 'labels';
}

interface RouteFieldsProps {
  route: PolicyRoute;
  inherited: Destination | undefined;
  isRoot: boolean;
  names: RouteNames;
  onChange: (route: PolicyRoute) => void;
}

export function RouteFields({ route, inherited, isRoot, names, onChange }: RouteFieldsProps) {
  const usual = destinationOf({ ...route, ...NOTHING_SAID }, inherited);
  const change = (part: Partial<PolicyRoute>): void => onChange({ ...route, ...part });
  return (
    <div class="route-fields">
      {!isRoot && (
        <Conditions
          label="Alerts that fulfil all of"
          none="Everything that comes here."
          matchers={route.matchers}
          onChange={(matchers) => change({ matchers })}
        />
      )}
      <div class="fields">
        <Field label="Who is told">
          <select
            class="select"
            value={route.receiver_id}
            onChange={(event) => change({ receiver_id: event.currentTarget.value })}
          >
            <option value="">{isRoot ? 'default' : `as above: ${usual.receiver_id}`}</option>
            <Options names={names.receivers} chosen={route.receiver_id} />
          </select>
        </Field>
        <Field label="And, while nobody acknowledges">
          <select
            class="select"
            value={route.escalation_policy}
            onChange={(event) => change({ escalation_policy: event.currentTarget.value })}
          >
            <option value="">{usual.escalation_policy ? `as above: ${usual.escalation_policy}` : 'nobody else'}</option>
            <Options names={names.escalations} chosen={route.escalation_policy} />
          </select>
        </Field>
      </div>
      <Groups route={route} usual={usual} isRoot={isRoot} onChange={(group_by) => change({ group_by })} />
      <div class="fields">
        {(Object.keys(TIMES) as (keyof typeof TIMES)[]).map((name) => (
          <div class="field" key={name}>
            <span>{TIMES[name][0]}</span>
            <SpanInput
              label={TIMES[name][0]}
              value_s={route[name] ?? null}
              usual_s={usual[name]}
              onChange={(value) => change({ [name]: value })}
            />
          </div>
        ))}
        <Field label="Repeats slow down, up to … times">
          <input
            class="input"
            type="number"
            min={1}
            step="any"
            placeholder={String(usual.repeat_factor_max)}
            value={route.repeat_factor_max ?? ''}
            onInput={({ currentTarget: { valueAsNumber: value } }) =>
              change({ repeat_factor_max: Number.isFinite(value) ? value : null })
            }
          />
        </Field>
      </div>
      {(names.muteTimes.length > 0 || route.mute_times.length > 0) && (
        <div class="field">
          <span>Nothing new is told during</span>
          <PickMany
            label="Mute times"
            chosen={route.mute_times}
            choices={names.muteTimes}
            add="Add mute times …"
            onChange={(mute_times) => change({ mute_times })}
          />
        </div>
      )}
      {!isRoot && (
        <Check
          label="What fits goes on to the next route as well"
          isOn={route.continues}
          onChange={(continues) => change({ continues })}
        />
      )}
    </div>
  );
}

const NOTHING_SAID = {
  receiver_id: '',
  group_by: null,
  group_wait_s: null,
  group_interval_s: null,
  repeat_interval_s: null,
  repeat_factor_max: null,
  escalation_policy: '',
};

/** Those that there are, and the chosen one whether or not there is one. */
function Options({ names, chosen }: { names: readonly string[]; chosen: string }) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  return (
    <>
      {all.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </>
  );
}

function Groups({
  route,
  usual,
  isRoot,
  onChange,
}: {
  route: PolicyRoute;
  usual: Destination;
  isRoot: boolean;
  onChange: (group_by: string[] | null) => void;
}) {
  const grouping = groupingOf(route);
  const choose: Record<Grouping, () => void> = {
    inherited: () => onChange(null),
    all: () => onChange([]),
    each: () => onChange(['...']),
    labels: () => onChange([...usual.group_by]),
  };
  const usualWords = usual.group_by.join(', ') || 'all together';
  return (
    <div class="fields">
      <Field label="Told together">
        <select
          class="select"
          value={grouping}
          onChange={(event) => choose[event.currentTarget.value as Grouping]()}
        >
          <option value="inherited">{isRoot ? `usual: by ${usualWords}` : `as above: by ${usualWords}`}</option>
          <option value="labels">those with the same …</option>
          <option value="all">all of the route</option>
          <option value="each">each alert by itself</option>
        </select>
      </Field>
      {grouping === 'labels' && (
        <Field label="Labels" hint="apart by commas">
          <LabelsInput labels={route.group_by ?? []} onChange={onChange} />
        </Field>
      )}
    </div>
  );
}
