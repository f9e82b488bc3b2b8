// One report as it looks on paper, what can be done with it, and what became of its recommendations.
import { useEffect, useState } from 'preact/hooks';
import { probe, SLOW_TIMEOUT_MS } from '../../api/client';
import { listReceivers } from '../../api/notification';
import type { ReportSummary } from '../../api/model';
import { getReport, linkReport, REPORT_FORMATS, reportFile, sendReport } from '../../api/reports';
import { instant } from '../../format/time';
import { Dialog } from '../../parts/Dialog';
import { Icon } from '../../parts/Icon';
import { Failure } from '../../parts/State';
import { Trouble } from '../../parts/Trouble';
import { useAction } from '../../state/action';
import { useConnection } from '../../state/connection';
import { useResource } from '../../state/resource';
import { mayOperate, project, timeZone } from '../../state/session';
import { addressOf } from '../../state/view';
import type { PageProps } from '../../routes';
import { Recommendations } from '../reports/Recommendations';
import { ReceiverChecks } from '../reports/ScheduleForm';
import './report.css';

const FORMAT_WORDS = { html: 'HTML', markdown: 'Markdown', json: 'JSON', csv: 'CSV', pdf: 'PDF' } as const;

export default function ReportPage({ name }: PageProps) {
  useConnection();
  const { data, error, reload } = useResource(`${project.value} ${name}`, (signal) =>
    getReport(project.value, name, signal),
  );
  const report = data?.report ?? null;
  useEffect(() => {
    document.title = `${report?.title ?? 'Report'} · ${project.value} · Assay`;
  }, [report?.title, project.value]);
  return (
    <>
      <Trouble error="" />
      <main class="page" aria-busy={!report && !error}>
        <a class="back" href={addressOf('/reports')}>
          <Icon name="back" /> Reports
        </a>
        <header class="page-header">
          <h1 class="page-title">{report?.title ?? 'Report'}</h1>
          {report && <p class="is-faint">made {instant(Date.parse(report.create_time), timeZone.value)}</p>}
          {report && <Actions report={report} />}
        </header>
        {!report && error && (
          <div class="card">
            <Failure what="The report is not known now" error={error} onRetry={reload} />
          </div>
        )}
        {report && report.missing_sources.length > 0 && (
          <p class="note is-warning">
            <Icon name="warning" /> Made while {report.missing_sources.join(', ')} did not answer: what they know is
            missing.
          </p>
        )}
        {report && (
          <div class={`report-body${report.recommendation_count > 0 ? ' is-advising' : ''}`}>
            <Paper report={report} />
            {report.recommendation_count > 0 && <Recommendations reportId={report.report_id} />}
          </div>
        )}
      </main>
    </>
  );
}

function Paper({ report }: { report: ReportSummary }) {
  const file = reportFile(project.value, report.report_id, 'html', false);
  const { data, error, reload } = useResource(file, (signal) => probe(file, signal, SLOW_TIMEOUT_MS));
  if (error && !data) {
    return (
      <div class="card">
        <Failure what="The report cannot be shown now" error={error} onRetry={reload} />
      </div>
    );
  }
  // A stranger to this page, by its own policy too: what stands in it was recorded by agents.
  return (
    <iframe
      class="report-frame card"
      title={report.title}
      sandbox="allow-popups"
      {...(data ? { src: file } : {})}
      aria-busy={!data}
    />
  );
}

function Actions({ report }: { report: ReportSummary }) {
  const [isSending, setSending] = useState(false);
  return (
    <div class="report-actions">
      <span class="report-formats" role="group" aria-label="Save as">
        <Icon name="download" />
        {REPORT_FORMATS.map((format) => (
          <a
            key={format}
            href={reportFile(project.value, report.report_id, format, true)}
            target="_blank"
            rel="noreferrer"
          >
            {FORMAT_WORDS[format]}
          </a>
        ))}
      </span>
      {mayOperate.value && (
        <>
          <ShareLink report={report} />
          <button type="button" class="button is-primary" onClick={() => setSending(true)}>
            Send
          </button>
          <Dialog title="Send this report" isOpen={isSending} onClose={() => setSending(false)}>
            <SendForm report={report} onDone={() => setSending(false)} />
          </Dialog>
        </>
      )}
    </div>
  );
}

function ShareLink({ report }: { report: ReportSummary }) {
  const [url, setUrl] = useState('');
  const [isCopied, setCopied] = useState(false);
  const { isBusy, error, run } = useAction();
  const make = (): void =>
    void run(async () => {
      const link = await linkReport(project.value, report.report_id);
      setUrl(link.url);
      // Where the browser does not allow it, the link is there to be copied by hand.
      await navigator.clipboard?.writeText(link.url).then(
        () => setCopied(true),
        () => undefined,
      );
    });
  if (error) {
    return (
      <span class="is-bad" role="alert">
        {error.message}
      </span>
    );
  }
  if (url) {
    const label = `A link that works for 14 days${isCopied ? ', copied' : ''}`;
    return <input class="input report-link" aria-label={label} readOnly value={url} />;
  }
  return (
    <button type="button" class="button" disabled={isBusy} onClick={make}>
      <Icon name="copy" /> Link
    </button>
  );
}

function SendForm({ report, onDone }: { report: ReportSummary; onDone: () => void }) {
  const receivers = useResource(project.value, (signal) => listReceivers(project.value, signal));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [isSent, setSent] = useState(false);
  const { isBusy, error, run } = useAction();
  const send = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await sendReport(project.value, report.report_id, chosen);
      setSent(true);
    });
  };
  if (isSent) {
    return (
      <div class="report-form">
        <p role="status">On its way. What becomes of it stands under the receivers' messages.</p>
        <button type="button" class="button" onClick={onDone}>
          Good
        </button>
      </div>
    );
  }
  return (
    <form class="report-form" onSubmit={send}>
      <ReceiverChecks legend="To" receivers={receivers.data} error={receivers.error} chosen={chosen} onChange={setChosen} />
      {receivers.error && (
        <p class="is-bad" role="alert">
          The receivers are not known now: {receivers.error.message}
        </p>
      )}
      <p class="form-foot">
        <button type="submit" class="button is-primary" disabled={isBusy || chosen.length === 0}>
          {isBusy ? 'Sending …' : 'Send now'}
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
