// The schedules: which report is made when, who gets it, and how that went.
import { useState } from 'preact/hooks';
import { listReceivers } from '../../api/notification';
import type { ReportSchedule, ScheduleRun } from '../../api/model';
import { generateReport, listRuns, listSchedules, sendReport } from '../../api/reports';
import { plural } from '../../format/format';
import { shortInstant } from '../../format/time';
import { PERIODS, reportIdFor, RUN_STATES, timingWords } from '../../metrics/reports';
import { Dialog } from '../../parts/Dialog';
import { EntriesSkeleton } from '../../parts/Entries';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { useAction } from '../../state/action';
import { nowMs } from '../../state/now';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf, go } from '../../state/view';
import '../../parts/entries.css';
import { ScheduleForm } from './ScheduleForm';

const REFRESH_EVERY_MS = 60_000;

export function Schedules() {
  const round = Math.floor(nowMs.value / REFRESH_EVERY_MS);
  const { data, error, reload } = useResource(project.value, (signal) => listSchedules(project.value, signal), round);
  const receivers = useResource(project.value, (signal) => listReceivers(project.value, signal), round);
  const [edited, setEdited] = useState<ReportSchedule | 'new' | null>(null);
  const done = (): void => {
    setEdited(null);
    reload();
  };
  return (
    <section class="card" aria-label="Schedules" aria-busy={!data && !error}>
      <header class="list-header">
        <h2>Schedules</h2>
        <p class="is-faint" role="status">
          {data && data.length > 0 && plural(data.length, 'schedule')}
        </p>
        {mayOperate.value && (
          <button type="button" class="button is-key reports-new" onClick={() => setEdited('new')}>
            New schedule
          </button>
        )}
      </header>
      {data && data.length > 0 && (
        <ul class="entries schedules">
          {data.map((one) => (
            <ScheduleEntry key={one.schedule_id} schedule={one} onEdit={() => setEdited(one)} />
          ))}
        </ul>
      )}
      {data?.length === 0 && (
        <State icon="calendar" title="No schedules">
          <p>A schedule makes the report of the day or week that is over, and sends it.</p>
        </State>
      )}
      {!data && !error && <EntriesSkeleton />}
      {!data && error && <Failure what="The schedules are not known now" error={error} onRetry={reload} />}
      <Dialog
        title={edited === 'new' ? 'New schedule' : `Schedule ${edited?.schedule_id ?? ''}`}
        isOpen={edited !== null}
        onClose={() => setEdited(null)}
      >
        {edited && (
          <ScheduleForm schedule={edited === 'new' ? null : edited} receivers={receivers} onDone={done} />
        )}
      </Dialog>
    </section>
  );
}

function ScheduleEntry({ schedule, onEdit }: { schedule: ReportSchedule; onEdit: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const { isBusy, error, run } = useAction();
  const next = schedule.next_run_times[0];
  const zone = timeZone.value;
  /** The report that the schedule would make next time, made and sent now. */
  const send = (): void =>
    void run(async () => {
      const report = await generateReport(project.value, {
        report_id: reportIdFor(schedule.period, Date.now()),
        period: schedule.period,
        time_zone: schedule.time_zone,
      });
      if (schedule.receiver_ids.length > 0) await sendReport(project.value, report.report_id, schedule.receiver_ids);
      go(addressOf(`/reports/${encodeURIComponent(report.report_id)}`));
    });
  return (
    <li class={`entry${schedule.is_paused ? ' is-paused' : ''}`}>
      <span class="report-period">{PERIODS[schedule.period]}</span>
      <div class="entry-what">
        <b class="recommendation-title">{schedule.display_name || schedule.schedule_id}</b>
        <p class="entry-facts">
          <span>{timingWords(schedule)}</span>
          <span>
            {schedule.receiver_ids.length === 0 ? 'kept, sent to nobody' : `to ${schedule.receiver_ids.join(', ')}`}
          </span>
          <span>
            <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              how it went
            </button>
          </span>
        </p>
        {error && (
          <p class="is-bad" role="alert">
            {error.message}
          </p>
        )}
        {isOpen && <Runs scheduleId={schedule.schedule_id} />}
      </div>
      {mayOperate.value && (
        <div class="entry-actions">
          <button
            type="button"
            class="button"
            disabled={isBusy}
            {...tip('Makes the report of the last period that is over, and sends it')}
            onClick={send}
          >
            {isBusy ? 'Sending …' : 'Send now'}
          </button>
          <button type="button" class="button" onClick={onEdit}>
            Change
          </button>
        </div>
      )}
      <p class="entry-when">
        <span>{schedule.is_paused ? 'paused' : 'next'}</span>
        {next && !schedule.is_paused && <b>{shortInstant(Date.parse(next), zone, nowMs.value)}</b>}
      </p>
    </li>
  );
}

function Runs({ scheduleId }: { scheduleId: string }) {
  const { data, error, reload } = useResource(`${project.value} ${scheduleId}`, (signal) =>
    listRuns(project.value, scheduleId, signal),
  );
  if (error) return <Failure what="The runs are not known now" error={error} onRetry={reload} />;
  if (data?.runs.length === 0) return <p class="is-faint">It has not been due yet.</p>;
  return (
    <ul class="runs">
      {data?.runs.map((one) => (
        <RunLine key={one.due_time} run={one} />
      ))}
    </ul>
  );
}

function RunLine({ run }: { run: ScheduleRun }) {
  const due = shortInstant(Date.parse(run.due_time), timeZone.value, nowMs.value);
  return (
    <li class={`run is-${run.state.toLowerCase()}`}>
      {due} <b>{RUN_STATES[run.state]}</b>
      {run.is_late && ' late'}
      {run.attempt_count > 1 && `, ${plural(run.attempt_count, 'try', 'tries')}`}
      {run.report_id && (
        <>
          {' · '}
          <a href={addressOf(`/reports/${encodeURIComponent(run.report_id)}`)}>the report</a>
        </>
      )}
      {run.detail && <span class="is-faint"> {run.detail}</span>}
    </li>
  );
}
