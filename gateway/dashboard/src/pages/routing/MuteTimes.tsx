// Mute times: when routes that name them tell of nothing new.
import type { MuteTime, PolicyBody } from '../../api/model';
import { renamed } from '../../metrics/policy';
import { clockOf, minutesOf, muteWords, WEEKDAYS } from '../../metrics/shifts';
import { Icon } from '../../parts/Icon';
import { State } from '../../parts/State';
import { timeZone } from '../../state/session';
import { freeName, NamedCard } from './NamedCard';
import type { PartProps } from './Routing';
import { ZoneField } from '../../parts/ZoneField';

type Interval = MuteTime['intervals'][number];

const NIGHT: Interval = { weekdays: [], start_min: 22 * 60, end_min: 6 * 60 };

export function MuteTimes({ policy, onChange }: PartProps) {
  const all = policy.mute_times;
  const set = (mute_times: MuteTime[]): void => onChange({ ...policy, mute_times });
  return (
    <div class="named-list" role="group" aria-label="Mute times">
      {all.length === 0 && (
        <section class="card">
          <State icon="mute" title="It is told at any time">
            <p>Mute times keep routes quiet, such as at night or at weekends. What is still wrong is told afterwards.</p>
          </State>
        </section>
      )}
      {all.map((one, index) => (
        <NamedCard
          key={index}
          kind="Mute times"
          name={one.name}
          onRename={(to) => onChange(renamedAt(policy, index, to))}
          onRemove={() => set(all.filter((_, at) => at !== index))}
        >
          <Intervals mute={one} onChange={(next) => set(all.map((other, at) => (at === index ? next : other)))} />
        </NamedCard>
      ))}
      <button
        type="button"
        class="button routing-add"
        onClick={() =>
          set([
            ...all,
            { name: freeName('nights', all.map((one) => one.name)), time_zone: timeZone.value, intervals: [NIGHT] },
          ])
        }
      >
        <Icon name="plus" /> Mute times
      </button>
    </div>
  );
}

function renamedAt(policy: PolicyBody, index: number, to: string): PolicyBody {
  const from = policy.mute_times[index]!.name;
  const isOnly = policy.mute_times.filter((one) => one.name === from).length === 1;
  if (isOnly && from) return renamed(policy, 'mute_times', from, to);
  return { ...policy, mute_times: policy.mute_times.map((one, at) => (at === index ? { ...one, name: to } : one)) };
}

function Intervals({ mute, onChange }: { mute: MuteTime; onChange: (mute: MuteTime) => void }) {
  const { intervals } = mute;
  const set = (next: Interval[]): void => onChange({ ...mute, intervals: next });
  const change = (index: number, part: Partial<Interval>): void =>
    set(intervals.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <>
      <p class="is-faint">{muteWords(mute)}</p>
      {intervals.map((one, index) => (
        <div class="interval" key={index} role="group" aria-label={`Time ${index + 1}`}>
          <Weekdays chosen={one.weekdays} onChange={(weekdays) => change(index, { weekdays })} />
          <label class="interval-time">
            from{' '}
            <input
              class="input"
              type="time"
              value={clockOf(one.start_min)}
              onInput={(event) => {
                const start_min = minutesOf(event.currentTarget.value);
                if (!Number.isNaN(start_min)) change(index, { start_min });
              }}
            />
          </label>
          <label class="interval-time">
            to{' '}
            <input
              class="input"
              type="time"
              value={clockOf(one.end_min)}
              onInput={(event) => {
                const end_min = minutesOf(event.currentTarget.value);
                if (!Number.isNaN(end_min)) change(index, { end_min });
              }}
            />
          </label>
          <button
            type="button"
            class="button is-icon"
            aria-label={`Remove time ${index + 1}`}
            onClick={() => set(intervals.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div class="fields">
        <div class="field">
          <span>{'\u00a0'}</span>
          <button type="button" class="button routing-add" onClick={() => set([...intervals, NIGHT])}>
            <Icon name="plus" /> Time
          </button>
        </div>
        <ZoneField zone={mute.time_zone} onChange={(time_zone) => onChange({ ...mute, time_zone })} />
      </div>
    </>
  );
}

/** None chosen is every day. */
function Weekdays({ chosen, onChange }: { chosen: readonly number[]; onChange: (days: number[]) => void }) {
  return (
    <div class="weekdays" role="group" aria-label="Weekdays; none is every day">
      {WEEKDAYS.map((name, index) => {
        const day = index + 1;
        const isOn = chosen.includes(day);
        return (
          <button
            type="button"
            key={name}
            class="chip-choice"
            aria-pressed={isOn}
            onClick={() => onChange(isOn ? chosen.filter((one) => one !== day) : [...chosen, day].sort())}
          >
            {name}
          </button>
        );
      })}
    </div>
  );
}
