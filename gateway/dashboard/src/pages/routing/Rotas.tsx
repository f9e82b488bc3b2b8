// Rotas: who is on call when, and whose turn it is now.
import type { PolicyBody, Rota } from '../../api/model';
import { span } from '../../format/time';
import { renamed } from '../../metrics/policy';
import { clockOf, isZone, minutesOf, shiftsOf } from '../../metrics/shifts';
import { Field } from '../../parts/Field';
import { Icon } from '../../parts/Icon';
import { PickMany } from '../../parts/PickMany';
import { State } from '../../parts/State';
import { nowMs } from '../../state/now';
import { timeZone } from '../../state/session';
import { freeName, NamedCard } from './NamedCard';
import type { PartProps } from './Routing';
import { ZoneField } from '../../parts/ZoneField';

const SHIFTS_SHOWN = 4;
const USUAL_HAND_OVER_MIN = 9 * 60;
const DATE_LENGTH = 10;

export function Rotas({ policy, receiverIds, onChange }: PartProps) {
  const all = policy.rotas;
  const set = (rotas: Rota[]): void => onChange({ ...policy, rotas });
  return (
    <div class="named-list" role="group" aria-label="Rotas">
      {all.length === 0 && (
        <section class="card">
          <State icon="people" title="Nobody takes turns">
            <p>A rota says which receiver is on call; steps of escalation tell whose turn it is.</p>
          </State>
        </section>
      )}
      {all.map((rota, index) => (
        <NamedCard
          key={index}
          kind="Rota"
          name={rota.name}
          onRename={(to) => onChange(renamedAt(policy, index, to))}
          onRemove={() => set(all.filter((_, at) => at !== index))}
        >
          <RotaFields
            rota={rota}
            receiverIds={receiverIds}
            onChange={(next) => set(all.map((other, at) => (at === index ? next : other)))}
          />
          <Turns rota={rota} />
        </NamedCard>
      ))}
      <button
        type="button"
        class="button routing-add"
        onClick={() =>
          set([
            ...all,
            {
              name: freeName('first line', all.map((one) => one.name)),
              time_zone: timeZone.value,
              receiver_ids: [],
              start_date: new Date().toISOString().slice(0, DATE_LENGTH),
              shift_days: 7,
              hand_over_min: USUAL_HAND_OVER_MIN,
            },
          ])
        }
      >
        <Icon name="plus" /> Rota
      </button>
    </div>
  );
}

function renamedAt(policy: PolicyBody, index: number, to: string): PolicyBody {
  const from = policy.rotas[index]!.name;
  const isOnly = policy.rotas.filter((one) => one.name === from).length === 1;
  if (isOnly && from) return renamed(policy, 'rotas', from, to);
  return { ...policy, rotas: policy.rotas.map((one, at) => (at === index ? { ...one, name: to } : one)) };
}

function RotaFields({
  rota,
  receiverIds,
  onChange,
}: {
  rota: Rota;
  receiverIds: readonly string[];
  onChange: (rota: Rota) => void;
}) {
  const change = (part: Partial<Rota>): void => onChange({ ...rota, ...part });
  return (
    <>
      <div class="field">
        <span>Take turns in this order</span>
        <PickMany
          label="Turns"
          chosen={rota.receiver_ids}
          choices={receiverIds}
          mayRepeat
          add="Receiver …"
          onChange={(receiver_ids) => change({ receiver_ids })}
        />
      </div>
      <div class="fields">
        <Field label="First shift begins on">
          <input
            class="input"
            type="date"
            value={rota.start_date}
            onInput={(event) => change({ start_date: event.currentTarget.value })}
          />
        </Field>
        <Field label="Days of a shift">
          <input
            class="input"
            type="number"
            min={1}
            max={366}
            value={rota.shift_days || 7}
            onInput={({ currentTarget: { valueAsNumber: shift_days } }) => {
              if (Number.isInteger(shift_days)) change({ shift_days });
            }}
          />
        </Field>
        <Field label="Hand-over at">
          <input
            class="input"
            type="time"
            value={clockOf(rota.hand_over_min ?? USUAL_HAND_OVER_MIN)}
            onInput={(event) => {
              const minutes = minutesOf(event.currentTarget.value);
              if (!Number.isNaN(minutes)) change({ hand_over_min: minutes });
            }}
          />
        </Field>
        <ZoneField zone={rota.time_zone} onChange={(time_zone) => change({ time_zone })} />
      </div>
    </>
  );
}

function Turns({ rota }: { rota: Rota }) {
  const shifts = shiftsOf(rota, nowMs.value, SHIFTS_SHOWN);
  const zone = isZone(rota.time_zone) ? rota.time_zone || 'UTC' : 'UTC';
  return (
    <ol class="turns" aria-label="The next turns">
      {shifts.map(({ receiver_id, startMs, endMs }, index) => (
        <li key={startMs} class={index === 0 ? 'is-now' : ''}>
          <b>{receiver_id}</b>
          <span class="is-faint">{span(startMs, endMs, zone)}</span>
          {index === 0 && <span class="turn-now">on call now</span>}
        </li>
      ))}
    </ol>
  );
}
