// The reports that were made, the latest first, each with what it says in the shortest.
import type { ReportSummary } from '../../api/model';
import { listReports } from '../../api/reports';
import { plural } from '../../format/format';
import { instant, shortInstant, span } from '../../format/time';
import { PERIODS } from '../../metrics/reports';
import { EntriesSkeleton } from '../../parts/Entries';
import { Icon } from '../../parts/Icon';
import { More } from '../../parts/More';
import { Failure, State } from '../../parts/State';
import { tip } from '../../parts/Tooltip';
import { newsCounts } from '../../state/news';
import { nowMs } from '../../state/now';
import { usePages } from '../../state/pages';
import { project, timeZone } from '../../state/session';
import { addressOf } from '../../state/view';
import '../../parts/entries.css';

const SUMMARY_LINES = 2;

export function ReportList() {
  const pages = usePages({
    question: project.value,
    changes: newsCounts.value.reports,
    ask: async (pageToken, signal) => {
      const page = await listReports(project.value, pageToken, signal);
      return { items: page.reports, nextPageToken: page.next_page_token };
    },
    idOf: (one) => one.report_id,
  });
  const { items, error } = pages;
  return (
    <section class="card" aria-label="Reports" aria-busy={!items && !error}>
      {items && items.length > 0 && (
        <ul class="entries reports">
          {items.map((one) => (
            <ReportEntry key={one.report_id} report={one} />
          ))}
        </ul>
      )}
      {items?.length === 0 && (
        <State icon="report" title="No reports yet">
          <p>Make one now, or have one made every week by a schedule.</p>
        </State>
      )}
      {!items && !error && <EntriesSkeleton />}
      {!items && error && <Failure what="The reports are not known now" error={error} onRetry={pages.reload} />}
      <More pages={pages} />
    </section>
  );
}

function ReportEntry({ report }: { report: ReportSummary }) {
  const zone = report.time_zone || timeZone.value;
  const madeMs = Date.parse(report.create_time);
  return (
    <li class="entry">
      <span class="report-period">{report.period ? PERIODS[report.period] : 'Custom'}</span>
      <div class="entry-what">
        <a class="entry-link" href={addressOf(`/reports/${encodeURIComponent(report.report_id)}`)}>
          {report.title}
        </a>
        {report.summary.slice(0, SUMMARY_LINES).map((line) => (
          <p key={line} class="report-line">
            {line}
          </p>
        ))}
        <p class="entry-facts">
          <span>{span(Date.parse(report.start_time), Date.parse(report.end_time), zone)}</span>
          <span>{plural(report.call_count, 'call')}</span>
          {report.recommendation_count > 0 && <span>{plural(report.recommendation_count, 'recommendation')}</span>}
          <span>{report.schedule_id ? `by the schedule ${report.schedule_id}` : 'asked for'}</span>
          {report.missing_sources.length > 0 && (
            <span class="report-missing" {...tip('These did not answer when the report was made.')}>
              <Icon name="warning" /> without {report.missing_sources.join(', ')}
            </span>
          )}
        </p>
      </div>
      <p class="entry-when" {...tip(`Made ${instant(madeMs, timeZone.value)}`)}>
        <span>made</span>
        <b>{shortInstant(madeMs, timeZone.value, nowMs.value)}</b>
      </p>
    </li>
  );
}
