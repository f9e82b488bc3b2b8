// A report that somebody wants now: of a day, of a week, or from a time to another.
import { useMemo, useState } from 'preact/hooks';
import type { ReportBody, ReportPeriod } from '../../api/model';
import { generateReport } from '../../api/reports';
import { fromLocalInput, toLocalInput } from '../../format/time';
import { reportIdFor } from '../../metrics/reports';
import { Field } from '../../parts/Field';
import { useAction } from '../../state/action';
import { project, timeZone } from '../../state/session';
import { addressOf, go } from '../../state/view';

const DAY_MS = 86_400_000;
const CHOICES: readonly (readonly [ReportPeriod | '', string])[] = [
  ['WEEKLY', 'The last week'],
  ['DAILY', 'Yesterday'],
  ['', 'From a time to another'],
];

export function NewReport() {
  const zone = timeZone.value;
  const [period, setPeriod] = useState<ReportPeriod | ''>('WEEKLY');
  const [start, setStart] = useState(toLocalInput(Date.now() - 7 * DAY_MS, zone));
  const [end, setEnd] = useState(toLocalInput(Date.now(), zone));
  // The same choices are the same report: after a time-out it may have been made already.
  const chosenMs = useMemo(() => Date.now(), [period, start, end, zone]);
  const { isBusy, error, run } = useAction();
  const [from, to] = [fromLocalInput(start, zone), fromLocalInput(end, zone)];
  const isWrong = period === '' && !(to > from);
  const make = (event: Event): void => {
    event.preventDefault();
    const report: ReportBody = { report_id: reportIdFor(period || 'custom', chosenMs), time_zone: zone };
    if (period) report.period = period;
    else Object.assign(report, { start_time: new Date(from).toISOString(), end_time: new Date(to).toISOString() });
    void run(async () => {
      const made = await generateReport(project.value, report);
      go(addressOf(`/reports/${encodeURIComponent(made.report_id)}`));
    });
  };
  return (
    <form class="report-form" onSubmit={make}>
      <div class="report-choices" role="radiogroup" aria-label="Of when">
        {CHOICES.map(([choice, words]) => (
          <label key={choice}>
            <input type="radio" name="period" checked={period === choice} onChange={() => setPeriod(choice)} /> {words}
          </label>
        ))}
      </div>
      {period === '' && (
        <div class="fields">
          <Field label="From">
            <input class="input" type="datetime-local" value={start} onInput={(e) => setStart(e.currentTarget.value)} />
          </Field>
          <Field label="To" problem={isWrong ? 'The end is after the start.' : ''}>
            <input class="input" type="datetime-local" value={end} onInput={(e) => setEnd(e.currentTarget.value)} />
          </Field>
        </div>
      )}
      <p class="is-faint">Days and weeks are those of {zone}.</p>
      <p class="form-foot">
        <button type="submit" class="button is-primary" disabled={isBusy || isWrong}>
          {isBusy ? 'Making it …' : 'Make the report'}
        </button>
        {error && (
          <span class="is-bad" role="alert">
            {error.message}
          </span>
        )}
      </p>
    </form>
  );
}
