// A schedule: of what, when, in whose time, for whom.
import { useState } from 'preact/hooks';
import type { ApiError } from '../../api/client';
import type { Receiver, ReportPeriod, ReportSchedule, ReportScheduleBody } from '../../api/model';
import { createSchedule, deleteSchedule, saveSchedule } from '../../api/reports';
import { clockOf, minuteOf, MONDAY_MORNING, NEW_SCHEDULE, scheduleBody, WEEKDAYS } from '../../metrics/reports';
import { idFrom } from '../../metrics/rules';
import { Confirm } from '../../parts/Confirm';
import { Check, Field } from '../../parts/Field';
import { useAction } from '../../state/action';
import type { Resource } from '../../state/resource';
import { project } from '../../state/session';

const ID_LENGTH = 40;

type Receivers = Pick<Resource<readonly Receiver[]>, 'data' | 'error'>;

interface ScheduleFormProps {
  /** Null: a new one. */
  schedule: ReportSchedule | null;
  receivers: Receivers;
  onDone: () => void;
}

interface PartProps {
  body: ReportScheduleBody;
  change: (part: Partial<ReportScheduleBody>) => void;
}

export function ScheduleForm({ schedule, receivers, onDone }: ScheduleFormProps) {
  const [body, setBody] = useState(schedule ? scheduleBody(schedule) : NEW_SCHEDULE);
  const { isBusy, error, run } = useAction();
  const change = (part: Partial<ReportScheduleBody>): void => setBody({ ...body, ...part });
  const id = schedule?.schedule_id ?? idFrom(body.display_name ?? '').slice(0, ID_LENGTH);
  const save = (event: Event): void => {
    event.preventDefault();
    const whole = { ...body, schedule_id: id };
    void run(async () => {
      await (schedule ? saveSchedule(project.value, whole, schedule.version) : createSchedule(project.value, whole));
      onDone();
    });
  };
  const end = (): void =>
    void run(async () => {
      await deleteSchedule(project.value, id);
      onDone();
    });
  return (
    <form class="report-form" onSubmit={save}>
      <div class="fields">
        <Field label="Name" hint={id ? `Its id: ${id}` : 'Such as Weekly for the platform team'}>
          <input
            class="input"
            required
            maxLength={128}
            value={body.display_name}
            onInput={(event) => change({ display_name: event.currentTarget.value })}
          />
        </Field>
        <Field label="Report of">
          <select
            class="select"
            value={body.period}
            onChange={(event) => change(ofPeriod(body, event.currentTarget.value as ReportPeriod))}
          >
            <option value="WEEKLY">the last week</option>
            <option value="DAILY">the last day</option>
          </select>
        </Field>
      </div>
      <Timing body={body} change={change} />
      <SentTo body={body} change={change} receivers={receivers} />
      <Check label="Paused" isOn={body.is_paused ?? false} onChange={(is_paused) => change({ is_paused })} />
      <div class="form-foot">
        <button type="submit" class="button is-primary" disabled={isBusy || !id}>
          {schedule ? 'Save' : 'Make the schedule'}
        </button>
        {error && (
          <span class="is-bad" role="alert">
            {error.message}
          </span>
        )}
        {schedule && (
          <span class="is-apart">
            <Confirm
              label="Delete"
              question="End this schedule? Its reports stay."
              action="End it"
              isDisabled={isBusy}
              onConfirm={end}
            />
          </span>
        )}
      </div>
    </form>
  );
}

/** Of a week it is made on one of its days, of a day every day, unless somebody says otherwise. */
function ofPeriod({ local_time: local }: ReportScheduleBody, period: ReportPeriod): Partial<ReportScheduleBody> {
  if (!local) return { period };
  return { period, local_time: { ...local, weekday: period === 'WEEKLY' ? MONDAY_MORNING.weekday : null } };
}

function Timing({ body, change }: PartProps) {
  const local = body.local_time;
  const kind = local ? 'local' : 'cron';
  const choose = (wanted: string): void =>
    change(wanted === 'cron' ? { cron: '0 8 * * 1', local_time: null } : { cron: null, local_time: MONDAY_MORNING });
  return (
    <div class="fields">
      <Field label="When">
        <select class="select" value={kind} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="local">at a time of the day</option>
          <option value="cron">by a cron expression</option>
        </select>
      </Field>
      {local ? (
        <>
          <Field label="Day">
            <select
              class="select"
              value={String(local.weekday ?? '')}
              onChange={({ currentTarget: { value } }) =>
                change({ local_time: { ...local, weekday: value ? Number(value) : null } })
              }
            >
              <option value="">every day</option>
              {WEEKDAYS.map((day, index) => (
                <option key={day} value={String(index + 1)}>
                  {day}
                </option>
              ))}
            </select>
          </Field>
          <Field label="Time">
            <input
              class="input"
              type="time"
              required
              value={clockOf(local.minute_of_day ?? 0)}
              onInput={(event) => {
                const minute = minuteOf(event.currentTarget.value);
                if (!Number.isNaN(minute)) change({ local_time: { ...local, minute_of_day: minute } });
              }}
            />
          </Field>
        </>
      ) : (
        <Field label="Cron" hint="Minute, hour, day, month, weekday">
          <input
            class="input"
            required
            maxLength={128}
            value={body.cron ?? ''}
            onInput={(event) => change({ cron: event.currentTarget.value })}
          />
        </Field>
      )}
      <Field label="Time zone" hint="Empty: the project's">
        <input
          class="input"
          list="zones"
          maxLength={64}
          value={body.time_zone}
          onInput={(event) => change({ time_zone: event.currentTarget.value })}
        />
        <datalist id="zones">
          {Intl.supportedValuesOf('timeZone').map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </Field>
    </div>
  );
}

function SentTo({ body, change, receivers }: PartProps & { receivers: Receivers }) {
  return (
    <ReceiverChecks
      legend="Sent to"
      receivers={receivers.data}
      error={receivers.error}
      chosen={body.receiver_ids ?? []}
      onChange={(receiver_ids) => change({ receiver_ids: [...receiver_ids] })}
    />
  );
}

interface ReceiverChecksProps {
  legend: string;
  /** Null: they are not known. */
  receivers: readonly Receiver[] | null;
  /** Why they are not known, if so. */
  error?: ApiError | null;
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

/** The receivers of the project, to be ticked; those that are gone stay as long as they are chosen. */
export function ReceiverChecks({ legend, receivers, error, chosen, onChange }: ReceiverChecksProps) {
  const ids = [...new Set([...(receivers ?? []).map((one) => one.receiver_id), ...chosen])].sort();
  return (
    <fieldset class="report-receivers">
      <legend>{legend}</legend>
      {!receivers && error && (
        <p class="is-bad" role="alert">
          The receivers are not known now: {error.message}
        </p>
      )}
      {receivers && ids.length === 0 && <p class="is-faint">There are no receivers yet: they are made under Alerts.</p>}
      {ids.map((id) => (
        <Check
          key={id}
          label={receivers?.find((one) => one.receiver_id === id)?.display_name || id}
          isOn={chosen.includes(id)}
          onChange={(isOn) => onChange(isOn ? [...chosen, id] : chosen.filter((one) => one !== id))}
        />
      ))}
    </fieldset>
  );
}
